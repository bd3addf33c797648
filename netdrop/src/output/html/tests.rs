use super::{super::samples, *};
use crate::{
    recording::report::{Report, chart::Bin},
    tally::row::{Field, Value},
};

const EVIL: &str = "<script>alert(1)</script><img src=x onerror=y>\"'&\u{202e}";

/// A report in which every text that others choose is markup.
fn evil() -> Report {
    let mut report = samples::report();
    let text = || Value::Text(EVIL.into());
    let header = &mut report.header;
    header.host = EVIL.to_owned();
    header.kernel = EVIL.to_owned();
    header.machine = EVIL.to_owned();
    header.version = EVIL.to_owned();
    header.clock = EVIL.to_owned();
    header.filter = Some(EVIL.to_owned());
    header.warnings = vec![EVIL.to_owned()];
    header.hooks[0].name = EVIL.to_owned();
    header.hooks[0].why = Some(EVIL.to_owned());
    header.devices[0].name = EVIL.to_owned();
    header.devices[0].driver = Some(EVIL.to_owned());
    header.namespaces[0].name = EVIL.to_owned();
    header.namespaces[0].kind = EVIL.to_owned();
    header.sysctls = [(EVIL.to_owned(), EVIL.to_owned())].into();
    report.pieces[0].file = EVIL.to_owned();
    let mut rows: Vec<&mut crate::tally::row::Row> = report.summary.rows.iter_mut().collect();
    rows.extend(report.flows.iter_mut().flat_map(|flows| &mut flows.rows));
    rows.extend(report.reasons.iter_mut().map(|reason| &mut reason.row));
    for row in rows {
        for field in &mut row.fields {
            if matches!(field.value, Value::Text(_)) {
                field.value = text();
            }
        }
        row.fields.push(Field {
            name: "protocol",
            value: text(),
        });
    }
    let advice = report.reasons[0].advice.as_mut().unwrap();
    advice.reason = Some(EVIL.to_owned());
    advice.stage = EVIL.to_owned();
    advice.caution = Some(EVIL.to_owned());
    advice.commands = vec![EVIL.to_owned()];
    report
}

/// Names of the elements in a page.
fn elements(page: &str) -> Vec<&str> {
    page.split('<')
        .skip(1)
        .filter_map(|tag| tag.split(|c: char| !c.is_ascii_alphanumeric()).next())
        .filter(|name| !name.is_empty())
        .collect()
}

fn page(reports: Vec<Report>) -> String {
    report(&Fleet::of(reports), 10)
}

#[test]
fn no_name_becomes_markup() {
    for page in [page(vec![evil()]), page(vec![evil(), evil()])] {
        assert!(page.matches("&lt;script&gt;").count() > 20, "{page}");
        let found = elements(&page);
        assert!(
            !found.contains(&"script") && !found.contains(&"img"),
            "{page}"
        );
        assert!(!page.contains('\u{202e}'));
        // Within attributes, too.
        for tag in page.split('<').skip(1) {
            let inside = tag.split('>').next().unwrap();
            assert!(inside.matches('"').count().is_multiple_of(2), "{inside}");
        }
    }
    let mut compared = samples::diff();
    compared.sides[0].header.host = EVIL.to_owned();
    compared.rows[0].fields[0].value = Value::Text(EVIL.into());
    let page = diff(&Compared {
        files: [EVIL, EVIL],
        diff: &compared,
        top: 10,
    });
    assert!(!elements(&page).contains(&"script"), "{page}");
}

#[test]
fn a_page_asks_for_nothing_and_forbids_it() {
    let page = page(vec![samples::report()]);
    assert!(page.contains("default-src 'none'"), "{page}");
    for word in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(word), "{word}: {page}");
    }
    assert_eq!(
        page.matches("href=\"").count(),
        page.matches("href=\"#").count() + 1
    );
}

#[test]
fn headings_are_in_order_and_every_chart_has_words() {
    for page in [
        page(vec![samples::report()]),
        page(vec![samples::report(), samples::report()]),
    ] {
        let mut last = 0;
        for element in elements(&page) {
            let level = match element.as_bytes() {
                [b'h', level @ b'1'..=b'6'] => level - b'0',
                _ => continue,
            };
            assert!(level <= last + 1, "h{level} behind h{last}: {page}");
            last = level;
        }
        let count = |word: &str| page.matches(word).count();
        assert!(count("<svg ") > 0);
        assert_eq!(count("<svg "), count("<svg role=\"img\""));
        assert!(count("<desc>") >= count("<svg "));
        assert_eq!(count("<table"), count("<caption>"));
        assert_eq!(count("<h1>"), 1);
        // What the sections are called is where links lead.
        for link in page.split("href=\"#").skip(1) {
            let id = link.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
}

#[test]
fn a_cut_recording_says_so_on_top_and_old_ones_what_they_lack() {
    let mut old = samples::report();
    old.histograms.clear();
    let page = page(vec![old]);
    let (answer, _) = page.split_once("id=\"timeline\"").unwrap();
    assert!(answer.contains("Not whole"), "{answer}");
    assert!(
        page.contains("Histograms are not in this recording"),
        "{page}"
    );
    assert!(page.contains("cut off at byte 4096"), "{page}");
}

#[test]
fn a_long_recording_of_a_large_host_gives_a_page_of_bounded_size() {
    let mut report = samples::report();
    let bin = report.chart[1].clone();
    let stages: Vec<_> = crate::drops::stage::Stage::all().collect();
    report.chart = (0..160)
        .map(|at| {
            let start = bin.start + jiff::SignedDuration::from_secs(at * 600);
            Bin {
                start,
                end: start + jiff::SignedDuration::from_secs(600),
                stages: stages
                    .iter()
                    .map(|stage| (Some(*stage), bin.cpus[&Some(1)]))
                    .collect(),
                cpus: (0..512)
                    .map(|cpu| (Some(cpu), bin.cpus[&Some(1)]))
                    .collect(),
                ..bin.clone()
            }
        })
        .collect();
    report.span = Some((report.chart[0].start, report.chart[159].end));
    report.header.cpus = Some(512);
    report.header.devices = vec![report.header.devices[0].clone(); 5000];
    let size = page(vec![report; 8]).len();
    assert!(size < 2 << 20, "{size} bytes");
}
