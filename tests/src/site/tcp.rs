//! TCP: handshakes and the state of connections.

use super::{BENIGN, HARMFUL, NONE, SUSPICIOUS, Severity, Since, Site, rx};

const RCV: &[&str] = &["tcp_v4_rcv"];
const RCV_6: &[&str] = &["tcp_v6_rcv"];
const DO_RCV: &[&str] = &["tcp_v4_do_rcv"];
const VALIDATE: &[&str] = &["tcp_validate_incoming"];
const LISTEN: &[&str] = &["tcp_rcv_state_process"];
// The last call of a function is often a jump: the address is its caller's.
const ESTABLISHED: &[&str] = &["tcp_rcv_established", "tcp_v4_do_rcv"];
const QUEUE: &[&str] = &["tcp_data_queue", "tcp_rcv_established"];
const OUT_OF_ORDER: &[&str] = &[
    "tcp_data_queue_ofo",
    "tcp_data_queue",
    "tcp_rcv_established",
];

/// In the function that looks for the socket. Where the kernel does not name the
/// reason, nobody can tell it from the segments of connections that have ended,
/// and where it names none, from those without a socket.
const fn on_arrival(reason: &'static str, stage: &'static str, severity: Severity) -> Since {
    rx(reason, RCV, stage, severity)
        .nameless("rx_tcp_state", BENIGN)
        .reasonless("rx_lookup", SUSPICIOUS)
}

/// In the state of a connection, where no kernel before 5.18 tells of a drop.
const fn state(
    reason: &'static str,
    functions: &'static [&'static str],
    severity: Severity,
) -> Since {
    rx(reason, functions, "rx_tcp_state", severity).since(5, 18)
}

pub(crate) const TCP_NO_SOCKET: &Site = &[rx("NO_SOCKET", RCV, "rx_lookup", SUSPICIOUS)];
pub(crate) const TCP6_NO_SOCKET: &Site = &[rx("NO_SOCKET", RCV_6, "rx_lookup", SUSPICIOUS)];
pub(crate) const TCP_CHECKSUM: &Site = &[on_arrival("TCP_CSUM", "rx_l4", SUSPICIOUS)];
pub(crate) const TCP6_CHECKSUM: &Site =
    &[rx("TCP_CSUM", RCV_6, "rx_l4", SUSPICIOUS).reasonless("rx_lookup", SUSPICIOUS)];
pub(crate) const TCP_SHORT: &Site = &[on_arrival("PKT_TOO_SMALL", "rx_l4", SUSPICIOUS)];
pub(crate) const TCP_FILTER: &Site = &[on_arrival("SOCKET_FILTER", "rx_sock", SUSPICIOUS)];
pub(crate) const TCP_TTL: &Site = &[on_arrival("TCP_MINTTL", "rx_tcp_auth", SUSPICIOUS)];
pub(crate) const TCP_MD5: &Site = &[on_arrival("TCP_MD5UNEXPECTED", "rx_tcp_auth", SUSPICIOUS)];
pub(crate) const TCP_TIME_WAIT: &Site = &[on_arrival(NONE, "rx_tcp_state", BENIGN)];
pub(crate) const TCP_QUEUE_FULL: &Site = &[
    on_arrival("TCP_LISTEN_OVERFLOW", "rx_acceptq", HARMFUL),
    // The listener tells, where the kernel names it.
    on_arrival("TCP_LISTEN_OVERFLOW", "rx_acceptq", HARMFUL)
        .nameless("rx_acceptq", HARMFUL)
        .since(6, 11),
];
pub(crate) const TCP_SYN_WINDOW: &Site = &[
    on_arrival(NONE, "rx_tcp_state", BENIGN),
    on_arrival("TCP_OVERWINDOW", "rx_synq", SUSPICIOUS).since(6, 15),
];
// Before, nobody looked.
pub(crate) const TCP_ECHO: &Site =
    &[on_arrival("TCP_RFC7323_TSECR", "rx_synq", SUSPICIOUS).since(6, 15)];

pub(crate) const TCP_COOKIE_QUEUE_FULL: &Site = &[
    rx(NONE, DO_RCV, "rx_tcp_state", SUSPICIOUS),
    rx("NO_SOCKET", &["cookie_v4_check"], "rx_acceptq", HARMFUL).since(6, 9),
];
pub(crate) const TCP_LISTENER_ACK: &Site = &[
    rx(NONE, DO_RCV, "rx_tcp_state", SUSPICIOUS),
    rx("TCP_FLAGS", DO_RCV, "rx_tcp_state", SUSPICIOUS).since(6, 9),
];
pub(crate) const TCP_ANSWER_ACK: &Site = &[rx(
    "TCP_INVALID_ACK_SEQUENCE",
    DO_RCV,
    "rx_tcp_state",
    SUSPICIOUS,
)];
pub(crate) const TCP_CLOSED: &Site = &[rx("TCP_ABORT_ON_DATA", DO_RCV, "rx_tcp_state", SUSPICIOUS)];

pub(crate) const TCP_LISTENER_FLAGS: &Site = &[state("TCP_FLAGS", LISTEN, SUSPICIOUS)];
pub(crate) const TCP_LISTENER_RESET: &Site = &[state("TCP_RESET", LISTEN, SUSPICIOUS)];
pub(crate) const TCP_FLAGS: &Site = &[state("TCP_FLAGS", ESTABLISHED, SUSPICIOUS)];
pub(crate) const TCP_SEQUENCE: &Site = &[state("TCP_INVALID_SEQUENCE", VALIDATE, SUSPICIOUS)];
pub(crate) const TCP_OLD_SEQUENCE: &Site = &[
    state("TCP_INVALID_SEQUENCE", VALIDATE, SUSPICIOUS),
    state("TCP_OLD_SEQUENCE", VALIDATE, BENIGN).since(6, 6),
];
pub(crate) const TCP_RESET: &Site = &[state("TCP_RESET", VALIDATE, SUSPICIOUS)];
pub(crate) const TCP_SYN: &Site = &[state("TCP_INVALID_SYN", VALIDATE, SUSPICIOUS)];
pub(crate) const TCP_PAWS: &Site = &[state("TCP_RFC7323_PAWS", VALIDATE, SUSPICIOUS)];
// Before, it was the same as with data.
pub(crate) const TCP_PAWS_ACK: &Site =
    &[state("TCP_RFC7323_PAWS_ACK", VALIDATE, BENIGN).since(6, 14)];
pub(crate) const TCP_ACK_UNSENT: &Site = &[state("TCP_ACK_UNSENT_DATA", ESTABLISHED, SUSPICIOUS)];
pub(crate) const TCP_ACK_TOO_OLD: &Site = &[state("TCP_TOO_OLD_ACK", ESTABLISHED, SUSPICIOUS)];
pub(crate) const TCP_OLD_DATA: &Site = &[state("TCP_OLD_DATA", QUEUE, BENIGN)];
pub(crate) const TCP_OFO_MERGE: &Site = &[state("TCP_OFOMERGE", OUT_OF_ORDER, BENIGN)];
pub(crate) const TCP_OFO_DROP: &Site = &[state(
    "TCP_OFO_DROP",
    &["tcp_ofo_queue", "tcp_data_queue"],
    BENIGN,
)];
// Before, the queue was pruned to make room.
pub(crate) const TCP_MEMORY: &Site =
    &[rx("PROTO_MEM", OUT_OF_ORDER, "rx_sock", HARMFUL).since(6, 12)];
pub(crate) const TCP_PRUNED: &Site = &[rx(
    "TCP_OFO_QUEUE_PRUNE",
    &["tcp_prune_ofo_queue"],
    "rx_sock",
    HARMFUL,
)
.since(5, 18)];
