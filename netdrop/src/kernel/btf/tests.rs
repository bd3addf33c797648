use super::{Btf, BtfError, builder::Builder};

/// `sk_buff` in the shape of 5.17 and later: members in unnamed unions, the
/// header fields in a group.
fn small() -> Builder {
    let mut builder = Builder::new();
    let int = builder.int("int", 4);
    let pointer = builder.pointer(int);
    let deepest = builder.structure("", 24, &[("next", pointer, 0, 0), ("dev", pointer, 128, 0)]);
    let middle = builder.union("", 24, &[("", deepest, 0, 0), ("list", int, 0, 0)]);
    let group = builder.structure("", 8, &[("pkt_type", int, 3, 3), ("protocol", int, 32, 0)]);
    let typedef = builder.typedef("group_t", group);
    builder.structure(
        "sk_buff",
        40,
        &[
            ("", middle, 0, 0),
            ("len", int, 192, 0),
            ("headers", typedef, 256, 0),
        ],
    );
    builder.tracepoint("kfree_skb", 3);
    builder
}

fn parse(builder: Builder) -> Btf<'static> {
    Btf::parse(builder.build(), None).unwrap()
}

#[test]
fn members_of_unnamed_members_and_of_the_header_group_are_found() {
    let btf = parse(small());
    let at = |path| btf.member("sk_buff", path).map(|member| member.bit_offset);
    assert_eq!(at("dev"), Some(128));
    assert_eq!(at("len"), Some(192));
    assert_eq!(at("protocol"), Some(256 + 32));
    assert_eq!(at("headers.protocol"), Some(256 + 32));
    assert_eq!(at("dev.next"), None);
    assert_eq!(at("mark"), None);
    assert_eq!(at(""), None);
    assert_eq!(btf.member("net_device", "dev"), None);
}

#[test]
fn a_bit_field_has_byte_shift_and_width() {
    let member = parse(small()).member("sk_buff", "pkt_type").unwrap();
    assert_eq!(
        (member.byte_offset(), member.shift(), member.bit_width),
        (32, 3, 3)
    );
}

#[test]
fn a_tracepoint_is_known_by_its_typedef_and_counts_its_arguments() {
    let btf = parse(small());
    assert_eq!(btf.tracepoint_arguments("kfree_skb"), Some(3));
    assert!(!btf.has_tracepoint("consume_skb"));
}

#[test]
fn enumerators_keep_their_order_and_values() {
    let mut builder = Builder::new();
    builder.enumeration("small", &[("A", 0), ("B", 0xffff_0000)]);
    builder.enumeration64("large", &[("C", 1 << 40)]);
    let btf = parse(builder);
    let owned = |name: &str, value| (name.to_owned(), value);
    assert_eq!(
        btf.enumerators("small"),
        Some(vec![owned("A", 0), owned("B", 0xffff_0000)])
    );
    assert_eq!(btf.enumerators("large"), Some(vec![owned("C", 1 << 40)]));
    assert_eq!(btf.enumerators("none"), None);
}

#[test]
fn a_module_uses_and_extends_the_kernels_types_and_strings() {
    let kernel = parse(small());
    let mut builder = Builder::on(&kernel);
    let inner = builder.next_id() - 1;
    builder.typedef("alias_of_a_tracepoint", inner);
    builder.enumeration("ovs_drop_reason", &[("OVS_DROP_LAST_ACTION", 3 << 16 | 1)]);
    let module = Btf::parse(builder.build(), Some(&kernel)).unwrap();
    assert_eq!(
        module.member("sk_buff", "dev"),
        kernel.member("sk_buff", "dev")
    );
    assert_eq!(
        module.enumerators("ovs_drop_reason"),
        Some(vec![("OVS_DROP_LAST_ACTION".to_owned(), 0x30001)])
    );
    assert_eq!(kernel.enumerators("ovs_drop_reason"), None);
}

#[test]
fn types_that_contain_themselves_end_the_search() {
    let mut builder = Builder::new();
    let own = builder.next_id();
    let members = vec![("", own, 0, 0); 200];
    builder.structure("endless", 8, &members);
    let loops = builder.next_id();
    builder.typedef("btf_trace_loop", loops);
    let btf = parse(builder);
    assert_eq!(btf.member("endless", "dev"), None);
    assert_eq!(btf.tracepoint_arguments("loop"), None);
}

#[test]
fn a_cut_off_blob_is_an_error() {
    let bytes = small().build();
    for length in 0..bytes.len() {
        assert!(
            Btf::parse(bytes[..length].to_vec(), None).is_err(),
            "{length}"
        );
    }
}

#[test]
fn damaged_bytes_never_panic() {
    let bytes = small().build();
    // Deterministic, so that a failure can be repeated.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        let mut damaged = bytes.clone();
        for _ in 0..3 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = usize::try_from(state >> 32).unwrap() % damaged.len();
            damaged[at] = state.to_ne_bytes()[0];
        }
        if let Ok(btf) = Btf::parse(damaged, None) {
            let _ = btf.member("sk_buff", "protocol");
            let _ = btf.tracepoint_arguments("kfree_skb");
            let _ = btf.enumerators("small");
        }
    }
}

#[test]
fn what_is_no_btf_or_too_new_is_said() {
    let mut bytes = small().build();
    bytes[2] = 9;
    assert!(matches!(Btf::parse(bytes, None), Err(BtfError::Version(9))));
    assert!(matches!(
        Btf::parse(b"\x7fELF".to_vec(), None),
        Err(BtfError::Magic(_))
    ));
    let mut builder = small();
    builder.add("", 99, 0, false, 0, &[]);
    assert!(matches!(
        Btf::parse(builder.build(), None),
        Err(BtfError::Kind { kind: 99, .. })
    ));
}
