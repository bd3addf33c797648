use super::{Explanation, Layout, Running, StageEntry, json, map, text};
use crate::kernel::reasons::canned;

fn running() -> Running {
    Running {
        release: "6.18.0".to_owned(),
        reasons: Ok(canned::reasons()),
    }
}

fn layout(width: Option<usize>) -> Layout {
    Layout {
        width,
        palette: super::super::palette::Palette::default(),
    }
}

fn explained(word: &str, width: Option<usize>) -> String {
    text(
        &Explanation::find(word, &running()),
        &running(),
        layout(width),
    )
}

/// Commands are not wrapped: they are there to be copied.
fn commands(word: &str) -> Vec<String> {
    let mut lines = Vec::new();
    json::write(&mut lines, &Explanation::find(word, &running()), &running());
    let object: serde_json::Value = serde_json::from_slice(&lines).unwrap();
    let next = object["next"].as_array().unwrap();
    let nothing = crate::drops::next::Values::default();
    next.iter()
        .map(|command| nothing.fill(command.as_str().unwrap()).text)
        .collect()
}

#[test]
fn text_is_wrapped_to_the_width_but_commands_stay_whole() {
    for width in [60, 72, 100] {
        for word in ["NO_SOCKET", "rx_backlog", "cookie_v4_check"] {
            let page = explained(word, Some(width));
            for line in page.lines() {
                let word_alone = line.split_whitespace().count() <= 2;
                assert!(
                    line.chars().count() <= width
                        || word_alone
                        || commands(word).iter().any(|command| line.ends_with(command)),
                    "{line:?}"
                );
            }
        }
    }
    let page = explained("NO_SOCKET", Some(60));
    for command in commands("NO_SOCKET") {
        assert!(page.contains(&command), "{command}");
    }
}

#[test]
fn a_reason_says_where_how_bad_and_whether_this_kernel_has_it() {
    let page = explained("NO_SOCKET", None);
    assert!(
        page.starts_with("NO_SOCKET  drop reason, suspicious\n"),
        "{page}"
    );
    assert!(page.contains("\n  stage         rx_lookup ("), "{page}");
    assert!(
        page.contains("Linux 6.18.0 has it, as number 3\n"),
        "{page}"
    );
    assert!(
        page.contains("cookie_v4_check, cookie_v6_check\n"),
        "{page}"
    );
}

#[test]
fn a_reason_that_only_the_kernel_knows_says_so() {
    let page = explained("BRAND_NEW", None);
    assert!(page.starts_with("BRAND_NEW  drop reason\n"), "{page}");
    assert!(page.contains("Not in the catalogue"), "{page}");
    assert!(page.contains("as number 5\n"), "{page}");
}

#[test]
fn the_map_has_every_stage_once_in_path_order_and_what_is_missing() {
    let page = map(&StageEntry::all(), &running(), layout(None));
    let mut before = 0;
    for path in ["rx", "tx", "side"] {
        for entry in StageEntry::all() {
            if entry.stage.info().path != path {
                continue;
            }
            let line = format!("\n  {} ", entry.stage.id());
            assert_eq!(page.matches(&line).count(), 1, "{line}");
            let place = page.find(&line).unwrap();
            assert!(place > before, "{line}");
            before = place;
        }
    }
    assert!(
        page.contains("not in the catalogue\n                BRAND_NEW\n"),
        "{page}"
    );
}

#[test]
fn every_field_is_documented_and_type_comes_first() {
    let document = include_str!("../../../../docs/json.md");
    let (_, document) = document.split_once("## `explain`").unwrap();
    let document = document.split("\n## ").next().unwrap();
    let words = ["NO_SOCKET", "rx_backlog", "cookie_v4_check", "BRAND_NEW"];
    let found: Vec<_> = words
        .iter()
        .flat_map(|word| Explanation::find(word, &running()))
        .collect();
    let mut lines = Vec::new();
    json::write(&mut lines, &found, &running());
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!(lines.lines().count(), words.len());
    for line in lines.lines() {
        assert!(
            line.starts_with(r#"{"type":"explain","schema":1,"kind":""#),
            "{line}"
        );
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        let mut fields = Vec::new();
        keys(&object, &mut fields);
        for field in fields {
            assert!(document.contains(&format!("`{field}`")), "{field}");
        }
    }
}

fn keys(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                found.push(key.clone());
                keys(value, found);
            }
        }
        serde_json::Value::Array(array) => array.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = include_str!("../../../../README.md");
    let mut shown = 0;
    for block in readme.split("```\n# netdrop explain ").skip(1) {
        let (word, rest) = block.split_once('\n').unwrap();
        let (page, _) = rest.split_once("```").unwrap();
        // Told by the kernel on which it was printed.
        let plain = |page: &str| -> Vec<String> {
            let lines = page.lines().filter(|line| !line.starts_with("  kernel "));
            lines.map(str::to_owned).collect()
        };
        let now = explained(word, None);
        assert_eq!(
            plain(page),
            plain(&now),
            "put the output of `netdrop explain {word}` into the README"
        );
        shown += 1;
    }
    assert_eq!(shown, 5);
}
