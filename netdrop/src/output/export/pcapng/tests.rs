use super::*;
use crate::output::samples;

/// Block by block: kind and body. Checks both lengths.
fn blocks_of(mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes[..4].try_into().unwrap());
    let mut blocks = Vec::new();
    while !bytes.is_empty() {
        let length = word(&bytes[4..]) as usize;
        assert_eq!(length % 4, 0);
        assert_eq!(word(&bytes[length - 4..]) as usize, length);
        blocks.push((word(bytes), &bytes[8..length - 4]));
        bytes = &bytes[length..];
    }
    blocks
}

fn with_headers(link_layer: bool, bytes: &'static [u8]) -> Drop {
    Drop {
        headers: Some(Headers {
            link_layer,
            bytes: bytes.into(),
        }),
        ..samples::datagram()
    }
}

const TAGGED: &[u8] = &[
    2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 5, 8, 0, 0x45,
];

fn export(drops: &[Drop]) -> Vec<u8> {
    let report = samples::report();
    let source = Source {
        header: &report.header,
        filter: None,
        hooks: &samples::HOOKS,
    };
    let mut out = Vec::new();
    let mut exporter = Pcapng::default();
    let by: By = "reason".parse().unwrap();
    exporter.start(&mut out, &source, &by).unwrap();
    for drop in drops {
        exporter.event(&mut out, drop).unwrap();
    }
    exporter.finish(&mut out, &samples::period()).unwrap();
    out
}

#[test]
fn an_interface_is_described_once_before_its_first_packet() {
    let bytes = export(&[
        with_headers(true, TAGGED),
        with_headers(false, &[0x45, 0]),
        with_headers(true, TAGGED),
        Drop {
            headers: None,
            ..samples::datagram()
        },
    ]);
    let blocks = blocks_of(&bytes);
    let kinds: Vec<u32> = blocks.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [0x0A0D_0D0A, 1, 6, 1, 6, 6, 1, 6]);
    let links: Vec<u8> = [1, 3, 6].iter().map(|index| blocks[*index].1[0]).collect();
    assert_eq!(links, [1, 101, 147]);
    let interfaces: Vec<u8> = [2, 4, 5, 7]
        .iter()
        .map(|index| blocks[*index].1[0])
        .collect();
    assert_eq!(interfaces, [0, 1, 0, 2]);
}

#[test]
fn a_tag_that_was_taken_off_is_put_back() {
    let tagged = |link_layer| Drop {
        frame: samples::segment().frame,
        ..with_headers(link_layer, TAGGED)
    };
    let length = tagged(true).length;
    let bytes = export(&[tagged(true), tagged(false)]);
    let blocks = blocks_of(&bytes);
    let (_, body) = blocks[2];
    let sizes: Vec<u8> = body[12..20].to_vec();
    let put_back = u8::try_from(TAGGED.len() + 4).unwrap();
    let whole = u8::try_from(length + 18 + 4).unwrap();
    assert_eq!(sizes, [put_back, 0, 0, 0, whole, 0, 0, 0]);
    let frame = &body[20..20 + usize::from(put_back)];
    assert_eq!(frame[..12], TAGGED[..12]);
    assert_eq!(frame[12..16], [0x81, 0, 0x20, 0x64]);
    assert_eq!(frame[16..], TAGGED[12..]);
    let told = |body: &[u8]| String::from_utf8_lossy(body).contains("vlan=100");
    assert!(!told(body));
    // Without a frame's header there is no place for it.
    let (_, body) = blocks[4];
    assert_eq!(body[12], u8::try_from(TAGGED.len()).unwrap());
    assert!(told(body));
}

#[test]
fn a_packet_has_its_length_and_time() {
    let drop = with_headers(true, TAGGED);
    let (length, time) = (drop.length, drop.time);
    let bytes = export(&[drop]);
    let (_, body) = blocks_of(&bytes)[2];
    let words: Vec<u32> = body[..20]
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect();
    let nanoseconds = u64::from(words[1]) << 32 | u64::from(words[2]);
    assert_eq!(i128::from(nanoseconds), time.as_nanosecond());
    assert_eq!(words[3] as usize, TAGGED.len());
    assert_eq!(words[4], length + 18);
}

#[test]
fn a_comment_tells_what_the_bytes_do_not() {
    let drop = Drop {
        reason: Some("NO \"SOCKET\"\n".into()),
        device: Some("e\x1bth".into()),
        stack: Some(vec!["a+0x1".to_owned(), "b+0x2".to_owned()]),
        ..with_headers(true, TAGGED)
    };
    let comment = comment(&drop);
    assert!(
        comment.starts_with(r#"reason="NO \"SOCKET\"\x0a" stage="#),
        "{comment}"
    );
    assert!(comment.contains(r" device=e\x1bth "), "{comment}");
    assert!(comment.ends_with(" stack=a+0x1;b+0x2"), "{comment}");
    assert!(!comment.contains("src="), "{comment}");
    let without = Drop {
        headers: None,
        ..drop
    };
    assert!(super::comment(&without).contains(" src="));
    let long = Drop {
        stack: Some(vec!["f".repeat(100_000)]),
        ..without
    };
    assert!(export(&[long]).len() < 40_000);
}
