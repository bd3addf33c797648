//! What a filter says of a single drop of a recording is what it said of the packet
//! in the kernel, or nothing.

use bytes::Bytes;
use netdrop::{
    drops::{
        frame::{self as kept, Tag},
        severity::Severity,
    },
    filter::{
        parse,
        plan::{Plan, Verdict, recorded_marks},
        row::Row,
        single::{First, Single},
    },
    tally::headers::Headers,
};
use netdrop_ebpf::{
    event::{EVENT_TCP_FLAGS, HEADER_BYTES, tags_inside},
    filter::{Machine, run},
    flow::FlowKey,
    kleene,
    packet::known,
    scratch::{NO_HEADER, Scratch},
    site::state,
};

use crate::{
    dice::Dice,
    expressions::{Expression, expression},
    frames::{Frame, frames},
    memory,
    names::Fixed,
};

const EXPRESSIONS: usize = 600;
const FRAMES: usize = 400;

const ROW: Row<'_> = Row {
    reason: None,
    stage: None,
    function: None,
    device: None,
    netns: None,
    netns_name: None,
    cpu: 0,
    severity: Severity::Suspicious,
};

/// A frame as the kernel saw it, and what a recording keeps of it.
struct Kept {
    seen: Scratch,
    flow: FlowKey,
    length: u32,
    headers: Option<Headers>,
    frame: Option<kept::Frame>,
}

impl Kept {
    /// Of a frame off which this tag was taken.
    fn of(frame: &Frame, tag: Option<Tag>) -> Self {
        let seen = tag.map_or((0, 0), |tag| (tag.ethertype, tag.control));
        let seen = memory::seen(&frame.bytes, frame.length, seen);
        let mut flow = seen.key;
        flow.site.state |= state::RECEIVED;
        let lacks_flow = matches!(flow.site.ethertype, 0x0800 | 0x0806 | 0x86dd)
            && flow.site.state & state::FLOW == 0;
        if lacks_flow {
            flow.site.state = state::unparsed(flow.site.state);
        }
        flow.site.filter = recorded_marks(&flow.site);
        let first = frame.bytes[..frame.bytes.len().min(HEADER_BYTES)].to_vec();
        let network = if seen.network == NO_HEADER {
            0
        } else {
            seen.network
        };
        Self {
            flow,
            length: frame.length - network,
            headers: Headers::of(&Bytes::from(first), true),
            frame: Some(kept::Frame {
                length: Some(frame.length),
                tag,
                tags_inside: tags_inside(u8::try_from(seen.event_flags).unwrap()),
            }),
            seen,
        }
    }

    /// What an older recording keeps of it.
    fn older(frame: &Frame) -> Self {
        let mut kept = Self {
            frame: None,
            ..Self::of(frame, None)
        };
        kept.flow.site.state &= !state::UNPARSED_OR_TAGGED;
        kept
    }

    fn single(&self) -> Single<'_> {
        let has_flags = self.seen.event_flags & u32::from(EVENT_TCP_FLAGS) != 0;
        Single {
            length: self.length,
            tcp_flags: has_flags.then(|| u8::try_from(self.seen.tcp_flags).unwrap()),
            sender: None,
            headers: self.headers.as_ref().map(|headers| First {
                bytes: &headers.bytes,
                link_layer: headers.link_layer,
            }),
            frame: self.frame,
        }
    }
}

/// Verdicts that are the same, those of them that match, and those that are missing.
#[derive(Debug, Default)]
struct Verdicts {
    same: u32,
    matches: u32,
    undecided: u32,
}

/// Holds what is said of single drops against what is said in the kernel: it may be
/// nothing only where that is allowed.
fn compare(dice: &mut Dice, all: &[(&Frame, Kept)], allow: fn(&Expression) -> bool) -> Verdicts {
    let mut verdicts = Verdicts::default();
    for _ in 0..EXPRESSIONS {
        let expression = expression(dice);
        let text = &expression.text;
        let expr = parse(text, &Fixed::NONE).unwrap().unwrap();
        let (live, recorded) = (Plan::new(&expr).unwrap(), Plan::recorded(&expr));
        for (frame, kept) in all {
            let Scratch { key, packet, .. } = &kept.seen;
            let values = run(live.rules(), &key.addrs, packet, &mut Machine::default());
            let ours = recorded.judge_single(&ROW, &kept.single(), &kept.flow);
            let theirs = match u32::from(values & 3) {
                kleene::TRUE => Verdict::Keep,
                kleene::FALSE => Verdict::Filtered,
                _ => Verdict::Undecided,
            };
            if ours == theirs {
                verdicts.same += 1;
                verdicts.matches += u32::from(ours == Verdict::Keep);
                continue;
            }
            // What may be missing: the end of a frame that is cut off, and what follows
            // extension headers out of their order or of which little is known, where
            // what is kept ends.
            let usual = |(place, kind): (usize, &u8)| match kind {
                0 => place == 0,
                kind => {
                    matches!(kind, 43 | 44 | 51 | 60) && !frame.extensions[..place].contains(kind)
                }
            };
            let ends = !frame.extensions.iter().enumerate().all(usual);
            let may_be_unknown = allow(&expression) || frame.is_cut || ends;
            assert!(
                ours == Verdict::Undecided && may_be_unknown,
                "`{text}`: {ours:?}, in the kernel {theirs:?}: {:?} {frame:02x?}",
                kept.flow
            );
            verdicts.undecided += 1;
        }
    }
    println!("{verdicts:?}");
    verdicts
}

#[test]
fn a_single_drop_is_decided_as_in_the_kernel_or_not_at_all() {
    let mut dice = Dice::new(7);
    let frames = frames(&mut dice, FRAMES);
    let kept: Vec<_> = frames
        .iter()
        .map(|frame| {
            let tag = (!dice.one_in(3)).then(|| Tag {
                ethertype: dice.pick(&[0x8100, 0x88a8]),
                control: dice.pick(&[0x6005, 100, 7]),
            });
            (frame, Kept::of(frame, tag))
        })
        .collect();
    let Verdicts {
        same,
        matches,
        undecided,
    } = compare(&mut dice, &kept, |_| false);
    assert!(matches > 5000 && same > 20 * undecided);
}

#[test]
fn an_older_recording_does_not_tell_of_tags_that_were_taken_off() {
    let mut dice = Dice::new(7);
    // Of a frame that is cut off behind a tag, no more may be kept than of its row,
    // which does not tell of tags.
    let frames: Vec<Frame> = frames(&mut dice, FRAMES)
        .into_iter()
        .filter(|frame| frame.tags == 0 || !frame.is_cut)
        .collect();
    let kept: Vec<_> = frames.iter().map(|it| (it, Kept::older(it))).collect();
    let Verdicts {
        same,
        matches,
        undecided,
    } = compare(&mut dice, &kept, |expression| expression.vlans > 0);
    assert!(matches > 5000 && same > 4 * undecided);
}

/// Of a frame that begins nobody knows where before the network header.
#[test]
fn a_length_that_is_not_known_is_at_least_that_of_the_packet() {
    let mut flow = FlowKey::default();
    flow.site.ethertype = 0x0800;
    flow.site.state = state::MAC | state::NETWORK;
    let single = Single {
        length: 500,
        ..Single::default()
    };
    for (text, verdict) in [
        ("greater 400", Verdict::Keep),
        ("greater 501", Verdict::Undecided),
        ("less 499", Verdict::Filtered),
        ("less 500", Verdict::Undecided),
        ("not less 400", Verdict::Keep),
        ("len = 500", Verdict::Undecided),
        ("len != 300", Verdict::Keep),
    ] {
        let plan = Plan::recorded(&parse(text, &Fixed::NONE).unwrap().unwrap());
        let found = plan.judge_single(&ROW, &single, &flow);
        assert_eq!(found, verdict, "`{text}`");
        assert_eq!(plan.judge(&ROW, &flow), Verdict::Undecided, "`{text}`");
    }
}

/// A row never says what a single drop of it denies.
#[test]
fn a_row_is_right_about_its_single_drops() {
    let mut dice = Dice::new(8);
    let frames: Vec<Frame> = frames(&mut dice, FRAMES);
    let mut decided = 0;
    for _ in 0..EXPRESSIONS {
        let expression = expression(&mut dice);
        let text = &expression.text;
        let plan = Plan::recorded(&parse(text, &Fixed::NONE).unwrap().unwrap());
        for frame in &frames {
            let kept = Kept::of(frame, None);
            let single = plan.judge_single(&ROW, &kept.single(), &kept.flow);
            for row in [
                plan.judge(&ROW, &kept.flow),
                plan.judge_site(&ROW, &kept.flow.site),
            ] {
                if row != Verdict::Undecided {
                    decided += 1;
                    assert_eq!(row, single, "`{text}` {:?} {frame:02x?}", kept.flow);
                }
            }
        }
    }
    assert!(decided > 10_000);
}

/// 255 may be a protocol like any other; a raw socket's sender writes what it likes.
#[test]
fn a_row_tells_a_protocol_that_was_read() {
    let plan = Plan::recorded(&parse("ip proto 255", &Fixed::NONE).unwrap().unwrap());
    for (from, verdict) in [
        (state::NETWORK, Verdict::Keep),
        (state::FLOW_FROM_SOCKET, Verdict::Undecided),
    ] {
        let mut flow = FlowKey::default();
        flow.site.ethertype = 0x0800;
        flow.site.protocol = 255;
        flow.site.state = state::FLOW | state::NO_TRANSPORT | from;
        flow.site.filter = recorded_marks(&flow.site);
        assert_eq!(plan.judge(&ROW, &flow), verdict, "{from:#x}");
    }
}

/// Where tags are put in while sending, the network header stands behind them all.
#[test]
fn a_frame_is_the_same_sent_and_received() {
    let mut dice = Dice::new(10);
    let mut tagged = [0; 4];
    for frame in &frames(&mut dice, 3 * FRAMES) {
        let tags = u16::try_from(frame.tags).unwrap();
        if frame.bytes.len() <= usize::from(14 + 4 * tags) {
            continue;
        }
        let sent = memory::sent(&frame.bytes, frame.length, tags);
        let received = memory::seen(&frame.bytes, frame.length, (0, 0));
        assert_eq!(sent.key, received.key, "{frame:02x?}");
        assert_eq!(sent.packet, received.packet, "{frame:02x?}");
        tagged[usize::from(tags)] += 1;
    }
    assert!(tagged.iter().all(|found| *found > 10), "{tagged:?}");
}

/// Later fragments have no ports, whatever they are.
#[test]
fn a_row_tells_of_later_fragments() {
    let mut dice = Dice::new(9);
    let frames: Vec<Frame> = frames(&mut dice, 3 * FRAMES);
    let [port, flags] = ["port 9", "tcp[tcpflags] & tcp-syn != 0"]
        .map(|text| Plan::recorded(&parse(text, &Fixed::NONE).unwrap().unwrap()));
    let mut versions = [0, 0];
    for frame in &frames {
        let kept = Kept::of(frame, None);
        if kept.seen.packet.known & known::LATER_FRAGMENT == 0 {
            assert!(!kept.flow.site.is_later_fragment(), "{frame:02x?}");
            continue;
        }
        versions[usize::from(kept.flow.site.ethertype == 0x86dd)] += 1;
        for plan in [&port, &flags] {
            let verdict = plan.judge(&ROW, &kept.flow);
            assert_eq!(verdict, Verdict::Filtered, "{frame:02x?}");
            let verdict = plan.judge_site(&ROW, &kept.flow.site);
            assert_eq!(verdict, Verdict::Filtered, "{frame:02x?}");
        }
    }
    assert!(versions.iter().all(|found| *found > 10), "{versions:?}");
}
