//! TCP: handshakes and the state of connections.

use super::{BENIGN, HARMFUL, NONE, SUSPICIOUS, Site, rx};

const RCV: &[&str] = &["tcp_v4_rcv"];
const DO_RCV: &[&str] = &["tcp_v4_do_rcv"];
const VALIDATE: &[&str] = &["tcp_validate_incoming"];
const STATE: &[&str] = &["tcp_rcv_state_process"];
/// The last call of a function is often a jump: the address is its caller's.
const ESTABLISHED: &[&str] = &["tcp_rcv_established", "tcp_v4_do_rcv"];
const QUEUE: &[&str] = &["tcp_data_queue", "tcp_rcv_established"];
const OUT_OF_ORDER_FULL: &[&str] = &[
    "tcp_data_queue_ofo",
    "tcp_data_queue",
    "tcp_rcv_established",
];
const OUT_OF_ORDER: &[&str] = &["tcp_data_queue_ofo", "tcp_data_queue"];

pub(crate) const TCP_NO_SOCKET: &Site = &[rx("NO_SOCKET", RCV, "rx_lookup", SUSPICIOUS)];
pub(crate) const TCP6_NO_SOCKET: &Site =
    &[rx("NO_SOCKET", &["tcp_v6_rcv"], "rx_lookup", SUSPICIOUS)];
// Without a reason, checksum and look-up are the same place.
pub(crate) const TCP_CHECKSUM: &Site =
    &[rx("TCP_CSUM", RCV, "rx_l4", SUSPICIOUS).nameless("rx_lookup", SUSPICIOUS)];
pub(crate) const TCP6_CHECKSUM: &Site =
    &[rx("TCP_CSUM", &["tcp_v6_rcv"], "rx_l4", SUSPICIOUS).nameless("rx_lookup", SUSPICIOUS)];
pub(crate) const TCP_SHORT: &Site =
    &[rx("PKT_TOO_SMALL", RCV, "rx_l4", SUSPICIOUS).nameless("rx_lookup", SUSPICIOUS)];
pub(crate) const TCP_FILTER: &Site =
    &[rx("SOCKET_FILTER", RCV, "rx_sock", SUSPICIOUS).nameless("rx_lookup", SUSPICIOUS)];
pub(crate) const TCP_TTL: &Site =
    &[rx("TCP_MINTTL", RCV, "rx_tcp_auth", SUSPICIOUS).nameless("rx_lookup", SUSPICIOUS)];
pub(crate) const TCP_MD5: &Site =
    &[rx("TCP_MD5UNEXPECTED", RCV, "rx_tcp_auth", SUSPICIOUS).nameless("rx_lookup", SUSPICIOUS)];
pub(crate) const TCP_TIME_WAIT: &Site =
    &[rx(NONE, RCV, "rx_tcp_state", BENIGN).nameless("rx_lookup", SUSPICIOUS)];

pub(crate) const TCP_LISTENER_FLAGS: &Site = &[rx("TCP_FLAGS", STATE, "rx_tcp_state", SUSPICIOUS)];
pub(crate) const TCP_LISTENER_ACK: &Site = &[rx("TCP_FLAGS", DO_RCV, "rx_tcp_state", SUSPICIOUS)];
pub(crate) const TCP_LISTENER_RESET: &Site = &[rx("TCP_RESET", STATE, "rx_tcp_state", SUSPICIOUS)];
pub(crate) const TCP_QUEUE_FULL: &Site =
    &[rx("TCP_LISTEN_OVERFLOW", RCV, "rx_acceptq", HARMFUL).nameless("rx_lookup", SUSPICIOUS)];
pub(crate) const TCP_COOKIE_QUEUE_FULL: &Site =
    &[
        rx("NO_SOCKET", &["cookie_v4_check"], "rx_acceptq", HARMFUL)
            .nameless("rx_acceptq", HARMFUL),
    ];
pub(crate) const TCP_ECHO: &Site =
    &[rx("TCP_RFC7323_TSECR", RCV, "rx_synq", SUSPICIOUS).nameless("rx_lookup", SUSPICIOUS)];
pub(crate) const TCP_SYN_WINDOW: &Site =
    &[rx("TCP_OVERWINDOW", RCV, "rx_synq", SUSPICIOUS).nameless("rx_lookup", SUSPICIOUS)];
pub(crate) const TCP_ANSWER_ACK: &Site = &[rx(
    "TCP_INVALID_ACK_SEQUENCE",
    DO_RCV,
    "rx_tcp_state",
    SUSPICIOUS,
)];

pub(crate) const TCP_FLAGS: &Site = &[rx("TCP_FLAGS", ESTABLISHED, "rx_tcp_state", SUSPICIOUS)];
pub(crate) const TCP_SEQUENCE: &Site = &[rx(
    "TCP_INVALID_SEQUENCE",
    VALIDATE,
    "rx_tcp_state",
    SUSPICIOUS,
)];
pub(crate) const TCP_OLD_SEQUENCE: &Site =
    &[rx("TCP_OLD_SEQUENCE", VALIDATE, "rx_tcp_state", BENIGN)];
pub(crate) const TCP_RESET: &Site = &[rx("TCP_RESET", VALIDATE, "rx_tcp_state", SUSPICIOUS)];
pub(crate) const TCP_SYN: &Site = &[rx("TCP_INVALID_SYN", VALIDATE, "rx_tcp_state", SUSPICIOUS)];
pub(crate) const TCP_PAWS: &Site = &[rx("TCP_RFC7323_PAWS", VALIDATE, "rx_tcp_state", SUSPICIOUS)];
pub(crate) const TCP_PAWS_ACK: &Site =
    &[rx("TCP_RFC7323_PAWS_ACK", VALIDATE, "rx_tcp_state", BENIGN)];
pub(crate) const TCP_ACK_UNSENT: &Site = &[rx(
    "TCP_ACK_UNSENT_DATA",
    ESTABLISHED,
    "rx_tcp_state",
    SUSPICIOUS,
)];
pub(crate) const TCP_ACK_TOO_OLD: &Site = &[rx(
    "TCP_TOO_OLD_ACK",
    ESTABLISHED,
    "rx_tcp_state",
    SUSPICIOUS,
)];
pub(crate) const TCP_OLD_DATA: &Site = &[rx("TCP_OLD_DATA", QUEUE, "rx_tcp_state", BENIGN)];
pub(crate) const TCP_OFO_MERGE: &Site = &[rx("TCP_OFOMERGE", OUT_OF_ORDER, "rx_tcp_state", BENIGN)];
pub(crate) const TCP_OFO_DROP: &Site = &[rx(
    "TCP_OFO_DROP",
    &["tcp_ofo_queue", "tcp_data_queue"],
    "rx_tcp_state",
    BENIGN,
)];
pub(crate) const TCP_CLOSED: &Site = &[rx("TCP_ABORT_ON_DATA", DO_RCV, "rx_tcp_state", SUSPICIOUS)];
pub(crate) const TCP_MEMORY: &Site =
    &[rx("PROTO_MEM", OUT_OF_ORDER_FULL, "rx_sock", HARMFUL).nameless("rx_tcp_state", SUSPICIOUS)];
pub(crate) const TCP_PRUNED: &Site = &[rx(
    "TCP_OFO_QUEUE_PRUNE",
    &["tcp_prune_ofo_queue"],
    "rx_sock",
    HARMFUL,
)
.nameless("rx_sock", SUSPICIOUS)];
