//! JSON: one object a line. `docs/json.md` documents every field.

mod diff;
mod drop;
mod formatter;
mod hosts;
mod period;
mod ready;
pub(super) mod reconcile;
mod report;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{diff::Compared, ready::Ready};
use crate::{
    recording::fleet::Fleet,
    tally::{packet::Drop, period::Period},
};

/// Version of the format; it changes when a field changes its meaning.
pub const SCHEMA: u32 = 1;

/// Appends the `ready` line.
pub fn ready(out: &mut Vec<u8>, ready: &Ready<'_>) {
    line(out, &ready::Object::of(ready));
}

/// Appends an `interval` line.
pub fn interval(out: &mut Vec<u8>, period: &Period) {
    line(out, &period::Object::of("interval", period));
}

/// Appends the `summary` line.
pub fn summary(out: &mut Vec<u8>, period: &Period) {
    line(out, &period::Object::of("summary", period));
}

/// Appends a `drop` line.
pub fn drop(out: &mut Vec<u8>, drop: &Drop) {
    line(out, &drop::Object::of(drop));
}

/// Appends a `report` line for each host, and a `hosts` line of at most so many
/// rows where they are several.
pub fn reports(out: &mut Vec<u8>, fleet: &Fleet, top: usize) {
    for host in &fleet.hosts {
        line(out, &report::Object::of(host));
    }
    if fleet.only().is_none() {
        line(out, &hosts::Object::of(fleet, top));
    }
}

/// Appends a `diff` line.
pub fn diff(out: &mut Vec<u8>, compared: &Compared<'_>) {
    line(out, &diff::Object::of(compared));
}

pub(super) fn line<T: Serialize>(out: &mut Vec<u8>, object: &T) {
    let start = out.len();
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter::OneLine);
    match object.serialize(&mut serializer) {
        Ok(()) => out.push(b'\n'),
        // Only a map key that is no string could fail, and there is none.
        Err(error) => {
            out.truncate(start);
            log::error!("cannot write JSON: {error}");
        }
    }
}

/// RFC 3339 UTC with microseconds.
fn microseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.6}"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{super::samples, *};

    fn print(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn lines() -> [String; 9] {
        let period = samples::period();
        let mut hurt = samples::period();
        hurt.rows = samples::hurt_rows();
        [
            print(|out| {
                ready(
                    out,
                    &Ready {
                        time: samples::time(),
                        version: "0.1.0",
                        host: "host",
                        kernel: "6.18.44",
                        filter: None,
                        hooks: &samples::HOOKS,
                        warnings: &[],
                    },
                );
            }),
            print(|out| interval(out, &period)),
            print(|out| summary(out, &period)),
            print(|out| drop(out, &samples::datagram())),
            print(|out| drop(out, &samples::segment())),
            print(|out| interval(out, &hurt)),
            print(|out| reports(out, &Fleet::of(vec![samples::report()]), 10)),
            print(|out| {
                let fleet = Fleet::of(vec![samples::report(), samples::report()]);
                let mut all = Vec::new();
                reports(&mut all, &fleet, 1);
                let text = String::from_utf8(all).unwrap();
                out.extend_from_slice(text.lines().last().unwrap().as_bytes());
                out.push(b'\n');
            }),
            print(|out| {
                diff(
                    out,
                    &Compared {
                        files: ["a.ndr", "b.ndr"],
                        diff: &samples::diff(),
                        top: 10,
                    },
                );
            }),
        ]
    }

    fn keys(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    found.push(key.clone());
                    keys(value, found);
                }
            }
            Value::Array(array) => array.iter().for_each(|value| keys(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_field_is_documented() {
        let document = include_str!("../../../docs/json.md");
        let mut found = Vec::new();
        for line in lines() {
            keys(&serde_json::from_str(&line).unwrap(), &mut found);
        }
        assert!(found.len() > 100);
        // Names of tunables are the kernel's.
        found.retain(|key| !key.starts_with("net."));
        for key in found {
            assert!(document.contains(&format!("`{key}`")), "{key}");
        }
    }

    #[test]
    fn an_object_is_a_line_that_begins_with_its_type() {
        for (line, r#type) in lines().iter().zip(["ready", "interval", "summary", "drop"]) {
            assert!(
                line.starts_with(&format!("{{\"type\":\"{type}\",")),
                "{line}"
            );
            assert_eq!(line.find('\n'), Some(line.len() - 1));
        }
    }

    #[test]
    fn a_drop_is_as_in_the_contract() {
        assert_eq!(
            print(|out| drop(out, &samples::datagram())),
            concat!(
                r#"{"type":"drop","time":"2025-11-21T21:01:02.003004005Z","cpu":0,"#,
                r#""reason":"NO_SOCKET","stage":"rx_lookup","direction":"rx","#,
                r#""function":"__udp4_lib_rcv","offset":123,"address":null,"device":"lo","#,
                r#""ifindex":1,"netns":4026531833,"netns_name":"host","netns_kind":"host","protocol":"udp","src":"127.0.0.1","#,
                r#""src_port":40000,"dst":"127.0.0.1","dst_port":9,"icmp_type":null,"#,
                r#""icmp_code":null,"length":29,"segments":1,"ethertype":"0x0800","#,
                r#""tcp_flags":null,"pid":null,"command":null,"cgroup":null,"receiver_pid":null,"receiver_command":null,"age_ns":null,"#,
                r#""severity":"suspicious","stack":null,"#,
                r#""hook":null,"engine":null,"qdisc":null,"stage_by":"reason","#,
                r#""headers":null,"headers_from":null,"frame_length":43,"vlan":null}"#,
                "\n"
            )
        );
    }

    #[test]
    fn an_interval_is_as_in_the_contract() {
        let line = print(|out| interval(out, &samples::period()));
        let (head, rows) = line.split_once(r#","hooks":{"#).unwrap();
        assert_eq!(
            head,
            concat!(
                r#"{"type":"interval","time":"2025-11-21T21:01:02.003004Z","seconds":2.0,"#,
                r#""totals":{"drops":34,"packets":30,"bytes":3000,"harmful":20,"#,
                r#""suspicious":10,"benign":4,"hidden":4},"accounting":{"counted":34,"#,
                r#""filtered":0,"undecided":0,"rejected":0,"parts":50,"recursion_missed":0,"flow_other":2,"#,
                r#""no_flow":3,"consequence_other":1,"site_other":0,"delivered":0,"#,
                r#""ring_lost":7,"sampled_out":0,"unparsed":0,"#,
                r#""output_lost":0},"traffic":{"rx_packets":600,"tx_packets":400,"#,
                r#""napi_polls":30,"napi_full":2,"squeeze":[{"cpu":0,"device":"eth0","ifindex":2,"#,
                r#""netns":4026531840,"napi_id":8193,"poll":"virtnet_poll","polls_full":1},"#,
                r#"{"cpu":1,"device":"backlog","ifindex":null,"netns":null,"napi_id":null,"#,
                r#""poll":"process_backlog","polls_full":1}],"squeeze_other":0,"time_squeeze":1,"#,
                r#""time_squeeze_cpus":[{"cpu":1,"time_squeeze":1}]}"#
            )
        );
        assert!(rows.contains(concat!(
            r#""rows":[{"reason":"SOCKET_RCVBUFF","function":"__udp_enqueue_schedule_skb","#,
            r#""device":"eth0","ifindex":2,"netns":4026531840,"netns_name":"blue","netns_kind":"named","drops":20,"#,
            r#""packets":20,"bytes":2000,"rate":10.0,"severity":"harmful","harmful":20,"#,
            r#""suspicious":0,"benign":0},"#
        )));
        assert!(rows.contains(concat!(
            r#""benign":0,"other":"top"}],"histograms":[{"kind":"packet_size","unit":"bytes","#,
            r#""count":34,"unknown":0,"buckets":[{"from":28,"to":31,"count":30},"#,
            r#"{"from":1280,"to":1535,"count":4}]},{"kind":"age","unit":"nanoseconds","#,
            r#""count":3,"unknown":31,"buckets":[{"from":1536,"to":1791,"count":3}]},"#,
            r#"{"kind":"burst","unit":"drops","count":0,"unknown":0,"buckets":[]}],"reconciliation":[{"counter":"Udp.InErrors","#
        )));
    }

    #[test]
    fn a_row_of_flows_tells_what_followed_and_what_cannot_be_known() {
        let mut period = samples::period();
        period.rows = samples::hurt_rows();
        let line = print(|out| interval(out, &period));
        assert!(line.contains(r#""benign":0,"retransmits":4,"resets":1,"ends":"both"}"#));
        assert!(line.contains(r#""benign":0,"retransmits":null,"resets":0,"ends":"dst"}"#));
    }

    #[test]
    fn what_could_steer_a_terminal_is_escaped_and_reads_back() {
        let mut segment = samples::segment();
        segment.command = Some("a\x1b\u{9b}\u{202e}\"b".to_owned());
        let line = print(|out| drop(out, &segment));
        assert!(
            line.contains(r#""command":"a\u001b\u009b\u202e\"b""#),
            "{line}"
        );
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["command"].as_str(), segment.command.as_deref());
    }
}
