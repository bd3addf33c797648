//! Generated expressions over generated frames: netdrop's verdict is tcpdump's,
//! except where docs/filter.md says why not.

use std::{collections::BTreeMap, thread};

use netdrop::filter::{parse, plan::Plan};
use netdrop_ebpf::{
    filter::{Machine, decide, look, run, verdict},
    kleene,
};

use crate::{
    dice::Dice,
    expressions::{Expression, expression},
    frames::{Frame, frames},
    memory,
    names::Fixed,
    tcpdump::Capture,
};

const EXPRESSIONS: usize = 2000;
const FRAMES: usize = 400;
const THREADS: u64 = 2;

type Tally = BTreeMap<&'static str, usize>;

#[test]
fn generated_filters_decide_as_tcpdump_does() {
    let seed = std::env::var("NETDROP_FILTER_SEED").map_or(1, |seed| seed.parse().unwrap());
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| thread::spawn(move || compare(seed * THREADS + thread)))
        .collect();
    let mut total = Tally::new();
    for thread in threads {
        for (what, count) in thread.join().unwrap() {
            *total.entry(what).or_default() += count;
        }
    }
    println!("{total:#?}");
    assert!(total["matches"] > 10_000);
    assert!(total["differs: IPv6 extension headers"] > 0);
}

fn compare(seed: u64) -> Tally {
    let mut dice = Dice::new(seed);
    let frames = frames(&mut dice, FRAMES);
    let mut capture = Capture::new(
        frames
            .iter()
            .map(|frame| (frame.bytes.as_slice(), frame.length))
            .chain(frames.iter().map(|frame| {
                let plain = frame.plain.as_ref().unwrap_or(&frame.bytes);
                (plain.as_slice(), frame.length)
            })),
    );
    let packets: Vec<_> = frames
        .iter()
        .map(|frame| memory::read(&frame.bytes, frame.length))
        .collect();
    let mut tally = Tally::new();
    for _ in 0..EXPRESSIONS / usize::try_from(THREADS).unwrap() {
        let expression = expression(&mut dice);
        let text = &expression.text;
        let theirs = capture
            .matching(text)
            .unwrap_or_else(|error| panic!("tcpdump refuses `{text}`: {error}"));
        let expr = parse(text, &Fixed::NONE)
            .unwrap_or_else(|error| panic!("refused: {error}"))
            .unwrap();
        let plan = Plan::new(&expr).unwrap();
        let rules = plan.rules();
        assert_eq!(plan.user(), None, "{text}");
        *tally.entry("expressions").or_default() += 1;
        for (number, (frame, (addrs, packet))) in frames.iter().zip(&packets).enumerate() {
            let values = run(rules, addrs, packet, &mut Machine::default());
            let ours = u32::from(values & 3);
            let expected = match ours {
                kleene::TRUE => verdict::KEEP,
                kleene::FALSE => verdict::REJECT,
                _ => verdict::UNDECIDED,
            };
            assert_eq!(decide(rules, values), expected, "{text}");
            let some_unread = rules.instructions[..rules.length as usize]
                .iter()
                .any(|step| look(step, addrs, packet) == kleene::UNREAD);
            let case = Case {
                expression: &expression,
                frame,
                ours,
                theirs: theirs[number],
                plain: theirs[FRAMES + number],
                some_unread,
            };
            *tally.entry(case.explain()).or_default() += 1;
        }
    }
    tally
}

struct Case<'a> {
    expression: &'a Expression,
    frame: &'a Frame,
    ours: u32,
    theirs: bool,
    /// tcpdump's verdict about the frame without IPv6 extension headers.
    plain: bool,
    some_unread: bool,
}

impl Case<'_> {
    /// The reasons of docs/filter.md, or a panic.
    fn explain(&self) -> &'static str {
        let Self {
            expression,
            frame,
            ours,
            theirs,
            plain,
            some_unread,
        } = self;
        match (*ours, *theirs) {
            (kleene::TRUE, true) => return "matches",
            (kleene::FALSE, false) => return "does not match",
            (kleene::UNREAD, false) => return "undecided, and tcpdump does not match",
            _ => {}
        }
        let too_deep = expression.vlans > frame.tags;
        if frame.is_cut && (*some_unread || too_deep && !*theirs) {
            // libpcap ends with "no match" at the first byte that is missing,
            // also where a tag would be if there were one, and misses only the
            // bytes it wants.
            return "differs: cut off";
        }
        if *ours == kleene::UNREAD && frame.is_rarp {
            return "differs: RARP addresses";
        }
        if *ours == kleene::UNREAD && frame.tags > 2 {
            return "differs: three tags";
        }
        if (frame.is_arp || frame.is_rarp) && too_deep {
            // The protocol type of ARP stands where a tag would have its type.
            return "differs: vlan on a frame without";
        }
        if !frame.extensions.is_empty() {
            if (*ours == kleene::TRUE) == *plain && *ours != kleene::UNREAD {
                return "differs: IPv6 extension headers";
            }
            if expression
                .extensions
                .iter()
                .any(|asked| frame.extensions.contains(asked))
            {
                return "differs: IPv6 extension header asked for";
            }
            if frame.is_later_v6_fragment {
                return "differs: later IPv6 fragment";
            }
        }
        if frame.is_v6 && expression.tcp_bytes {
            return "differs: tcp[…] behind IPv6";
        }
        panic!(
            "`{}`: ours {}, tcpdump's {} (without extension headers {}), {frame:02x?}",
            expression.text, ours, theirs, plain
        );
    }
}
