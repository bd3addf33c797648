//! Any bytes: the reader of recordings takes them or says what is wrong, and what
//! it takes can be shown. Bytes that begin as no recording does are instructions to
//! build one, so that strange rows come behind a sound frame.
#![no_main]

#[path = "recording/forge.rs"]
mod forge;

use std::sync::LazyLock;

use jiff::SignedDuration;
use libfuzzer_sys::fuzz_target;
use netdrop::{
    filter::{names::System, parse, plan::Plan},
    output::{html, report, text::Layout},
    recording::{
        diff::diff,
        fleet::Fleet,
        read::Recording,
        report::{Builder, Report},
    },
    tally::{period::View, rank::Sort, show::Show},
};

/// A filter about rows, flows and packets.
static FILTER: LazyLock<Option<Plan>> = LazyLock::new(|| {
    let text = "not severity benign and (host 10.0.0.1 or reason NO_SOCKET)";
    let tree = parse(text, &System::default()).ok()??;
    Plan::new(&tree).ok()
});

fn view(by: &str) -> View {
    View {
        by: by.parse().expect("keys"),
        top: 20,
        sort: Sort::Drops,
        show: Show::NotBenign,
    }
}

fn open(bytes: &[u8]) -> Option<Recording<&[u8]>> {
    Recording::open(bytes).ok()
}

fn report_of(recording: Recording<&[u8]>) -> Report {
    let [view, flows] = ["stage,reason", "flow,reason"].map(view);
    let mut builder = Builder::new(&recording, &view, &flows, SignedDuration::ZERO);
    builder.read("fuzzed", recording);
    builder.finish()
}

fuzz_target!(|data: &[u8]| {
    let forged = forge::recording(data);
    let bytes = forged.as_deref().unwrap_or(data);
    let Ok(mut recording) = Recording::open_with(bytes, FILTER.clone(), None) else {
        return;
    };
    let mut tally = recording.tally(view("stage,reason,function,device"));
    let mut intervals = 0_u64;
    while let Some(interval) = recording.next_interval() {
        drop(recording.show(&interval, &mut tally));
        intervals += 1;
    }
    let end = recording.end().expect("an end").to_string();
    assert!(!end.is_empty() && recording.bytes() <= bytes.len() as u64);
    if intervals > 0
        && let (Some(whole), Some(one), Some(other)) = (open(bytes), open(bytes), open(bytes))
    {
        let fleet = Fleet::of(vec![report_of(whole)]);
        let mut page = String::new();
        report::write(&mut page, &fleet, 20, Layout::default());
        assert!(!page.contains('\x1b'));
        drop(html::report(&fleet, 20));
        drop(diff(one, other, &view("stage,reason,function"), true));
    }
});
