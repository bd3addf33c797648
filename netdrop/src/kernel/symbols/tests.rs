use super::{Symbol, Symbols, plain_name};

const LIST: &str = "\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T _text
ffffffff81001000 T ip_rcv
ffffffff81001100 t ip_rcv_core
ffffffff81001200 T __netif_receive_skb_core.constprop.0
ffffffff81001300 t tcp_v4_rcv.cold
ffffffff81001400 T weak_alias_first
ffffffff81001400 W weak_alias_second
ffffffff81001500 t tcp_v4_rcv.part.0
ffffffff81002000 T _etext
ffffffff82000000 D some_data
ffffffffc0800000 t veth_xmit\t[veth]
ffffffffc0700000 t br_forward\t[bridge]
ffffffffc0700200 d br_data\t[bridge]
";

fn symbols(list: &str) -> Symbols {
    Symbols::from_reader(list.as_bytes()).unwrap()
}

#[test]
fn an_address_is_named_with_offset_and_module() {
    let symbols = symbols(LIST);
    let named = |address| symbols.resolve(address);
    assert_eq!(
        named(0xffff_ffff_8100_1080),
        Some(Symbol {
            name: "ip_rcv",
            offset: 0x80,
            module: None
        })
    );
    assert_eq!(
        named(0xffff_ffff_c070_0010),
        Some(Symbol {
            name: "br_forward",
            offset: 0x10,
            module: Some("bridge")
        })
    );
    assert_eq!(
        named(0xffff_ffff_8100_1404).unwrap().name,
        "weak_alias_first"
    );
}

#[test]
fn an_address_outside_of_code_has_no_name() {
    let symbols = symbols(LIST);
    for address in [
        0,
        0xffff_ffff_80ff_ffff,
        0xffff_ffff_8100_2000,
        0xffff_ffff_8200_0000,
        0xffff_ffff_c090_0000,
        u64::MAX,
    ] {
        assert_eq!(symbols.resolve(address), None, "{address:#x}");
    }
}

#[test]
fn a_function_is_found_by_name_before_its_suffixed_forms_and_never_as_cold() {
    let symbols = symbols(LIST);
    assert_eq!(
        symbols.range("ip_rcv"),
        Some((0xffff_ffff_8100_1000, 0xffff_ffff_8100_1100))
    );
    assert_eq!(
        symbols.range("__netif_receive_skb_core"),
        Some((0xffff_ffff_8100_1200, 0xffff_ffff_8100_1300))
    );
    assert_eq!(
        symbols.range("tcp_v4_rcv"),
        Some((0xffff_ffff_8100_1500, 0xffff_ffff_8100_2000))
    );
    assert_eq!(symbols.range("ip_rc"), None);
}

#[test]
fn hidden_addresses_are_recognised() {
    let hidden = "0000000000000000 T ip_rcv\n0000000000000000 t ip_rcv_core\n";
    assert!(symbols(hidden).is_restricted());
    assert_eq!(symbols(hidden).resolve(0), None);
    assert!(!symbols(LIST).is_restricted());
    assert!(!symbols("").is_restricted());
}

#[test]
fn broken_lines_are_left_out() {
    let list = "\n x\nffffffff81000000\nffffffff81000000 T\nffffffff81000000 T \n\
                zz T name\nfffffffffffffffffff T long\nffffffff81000010 T good";
    let symbols = symbols(list);
    assert_eq!(symbols.resolve(0xffff_ffff_8100_0010).unwrap().name, "good");
    assert_eq!(symbols.resolve(0xffff_ffff_8100_0000), None);
}

#[test]
fn lines_longer_than_a_chunk_are_read() {
    let list = format!(
        "ffffffff81000000 T {}\nffffffff81000010 T second\n",
        "a".repeat(200_000)
    );
    let symbols = symbols(&list);
    assert_eq!(
        symbols.resolve(0xffff_ffff_8100_0000).unwrap().name.len(),
        200_000
    );
    assert_eq!(
        symbols.resolve(0xffff_ffff_8100_0011).unwrap().name,
        "second"
    );
}

#[test]
fn compiler_suffixes_are_stripped() {
    assert_eq!(plain_name("ip_rcv"), "ip_rcv");
    assert_eq!(plain_name("ip_rcv.constprop.0"), "ip_rcv");
    assert_eq!(plain_name("ip_rcv.isra.0.part.1.cold"), "ip_rcv");
    assert_eq!(plain_name("ip_rcv.partial"), "ip_rcv.partial");
}
