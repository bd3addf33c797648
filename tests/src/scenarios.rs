//! The table of scenarios, theme by theme.

use crate::scenario::Scenario;

mod attaching;
mod bridge;
mod catalogue;
mod changes;
mod consequences;
mod details;
mod discipline;
mod disks;
mod endings;
mod engine;
mod exactness;
mod explain;
mod exports;
mod figures;
mod filter_questions;
mod filtered_tables;
mod filters;
mod firewall;
mod flight;
mod flood;
mod fragments;
mod headers;
mod histograms;
mod malformed;
mod martians;
mod messages;
mod naming;
mod outputs;
mod packets;
mod pages;
mod path;
mod receive;
mod recorded_questions;
mod recorded_tags;
mod recordings;
mod refusals;
mod routing;
mod severities;
mod sockets;
mod squeeze;
mod tcp_handshake;
mod tcp_state;
mod terminal;
mod terminal_counters;
mod terminal_ends;
mod terminal_keys;
mod terminal_replay;
mod timer;
mod traffic_control;
mod transmit;
mod tun;
mod tunnel;
mod xdp;

/// All scenarios, in the order in which they run.
pub(crate) fn all() -> impl Iterator<Item = &'static Scenario> {
    of_kernels().chain(of_user_space())
}

/// Scenarios that every kernel may have another answer to.
fn of_kernels() -> impl Iterator<Item = &'static Scenario> {
    let themes = [
        receive::SCENARIOS,
        firewall::SCENARIOS,
        routing::SCENARIOS,
        malformed::SCENARIOS,
        martians::SCENARIOS,
        messages::SCENARIOS,
        sockets::SCENARIOS,
        tcp_handshake::SCENARIOS,
        tcp_state::SCENARIOS,
        transmit::SCENARIOS,
        traffic_control::SCENARIOS,
        tun::SCENARIOS,
        tunnel::SCENARIOS,
        bridge::SCENARIOS,
        fragments::SCENARIOS,
        xdp::SCENARIOS,
        exactness::SCENARIOS,
        flood::SCENARIOS,
        details::SCENARIOS,
        consequences::SCENARIOS,
        timer::SCENARIOS,
        squeeze::SCENARIOS,
        engine::SCENARIOS,
        discipline::SCENARIOS,
        naming::SCENARIOS,
        headers::SCENARIOS,
        histograms::SCENARIOS,
        filter_questions::SCENARIOS,
        filters::SCENARIOS,
        attaching::SCENARIOS,
        changes::SCENARIOS,
        endings::SCENARIOS,
        recordings::SCENARIOS,
        recorded_tags::SCENARIOS,
        refusals::SCENARIOS,
        explain::SCENARIOS,
        path::SCENARIOS,
        path::tcp::SCENARIOS,
        path::tables::SCENARIOS,
        path::devices::SCENARIOS,
        path::traced::SCENARIOS,
        path::remainders::SCENARIOS,
        path::anew::SCENARIOS,
        path::renamed::SCENARIOS,
        figures::SCENARIOS,
        catalogue::SCENARIOS,
    ];
    themes.into_iter().flatten()
}

/// Scenarios that say nothing about the kernel: what they look at has left it.
/// One kernel is enough for them.
pub(crate) fn of_user_space() -> impl Iterator<Item = &'static Scenario> {
    let themes = [
        exactness::USER_SPACE,
        naming::USER_SPACE,
        filters::USER_SPACE,
        endings::USER_SPACE,
        recorded_questions::USER_SPACE,
        recordings::USER_SPACE,
        flight::USER_SPACE,
        disks::USER_SPACE,
        exports::USER_SPACE,
        filtered_tables::USER_SPACE,
        packets::USER_SPACE,
        outputs::USER_SPACE,
        pages::USER_SPACE,
        refusals::USER_SPACE,
        terminal::USER_SPACE,
        terminal_counters::USER_SPACE,
        terminal_ends::USER_SPACE,
        terminal_keys::USER_SPACE,
        terminal_replay::USER_SPACE,
        severities::USER_SPACE,
        explain::USER_SPACE,
    ];
    themes.into_iter().flatten()
}
