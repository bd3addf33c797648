use super::*;
use crate::tally::sums::Sums;

fn flow(src: &str, dst: &str, reason: &str) -> Row {
    let field = |name, value| Field { name, value };
    let text = |text: &str| Value::Text(text.into());
    Row {
        fields: vec![
            field("protocol", text("udp")),
            field("src", text(src)),
            field("src_port", Value::Number(40000)),
            field("dst", text(dst)),
            field("dst_port", Value::Number(53)),
            field("reason", text(reason)),
        ],
        sums: Sums {
            packets: 3,
            bytes: 102,
            harmful: 3,
            ..Sums::default()
        },
        tells_harm: false,
        other: None,
    }
}

fn more(rows: usize) -> Row {
    let mut row = flow("", "", "");
    row.other = Some(Other::Top(rows));
    for field in &mut row.fields {
        field.value = Value::Null;
    }
    row
}

fn text(rows: &[Row], width: Option<usize>) -> String {
    let mut out = String::new();
    write(&mut out, rows, 1.0, width, Palette::default());
    out
}

#[test]
fn an_address_and_its_port_stand_together() {
    let rows = [
        flow("192.0.2.2", "2001:db8::1", "NETFILTER_DROP"),
        more(1),
        more(37),
    ];
    assert_eq!(
        text(&rows, None),
        "\
DROPS  RATE/S  BYTES  SEVERITY  PROTOCOL  SRC              DST               REASON
    3     3.0    102  harmful   udp       192.0.2.2:40000  [2001:db8::1]:53  NETFILTER_DROP
    3     3.0    102  harmful   (1 more row)
    3     3.0    102  harmful   (37 more rows)
"
    );
}

#[test]
fn on_a_narrow_terminal_names_give_way_then_columns_and_addresses_go_on_below() {
    let short = [flow("192.0.2.2", "192.0.2.1", "SOCKET_RCVBUFF")];
    let text_82 = text(&short, Some(82));
    assert!(text_82.contains("192.0.2.2:40000  192.0.2.1:53"));
    assert!(text_82.contains("BYTES") && text_82.contains('…'));
    let text_76 = text(&short, Some(76));
    assert!(text_76.contains("192.0.2.2:40000  192.0.2.1:53"));
    assert!(!text_76.contains("BYTES") && text_76.contains("RATE/S"));
    let long = [flow(
        "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1",
        "2001:db8:aaaa:bbbb:cccc:dddd:eeee:2",
        "SOCKET_RCVBUFF",
    )];
    let narrow = text(&long, Some(100));
    assert!(narrow.lines().all(|line| line.chars().count() <= 100));
    assert!(
        narrow.contains("RATE/S") && !narrow.contains('…'),
        "{narrow}"
    );
    assert_eq!(
        narrow.lines().last(),
        Some(
            "    [2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:40000  \
             [2001:db8:aaaa:bbbb:cccc:dddd:eeee:2]:53"
        )
    );
    // Where even that has no room, the middle goes.
    let narrower = text(&long, Some(40));
    assert!(
        narrower.contains("    [2001:db8:aaaa:bbb…ddd:eeee:1]:40000\n"),
        "{narrower}"
    );
}
