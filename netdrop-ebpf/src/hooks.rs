//! The entry points.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use netdrop_ebpf::{area::Counter, hurt::Consequence};

use crate::{account::Area, consequences, death, polls, qdiscs, skb::Skb, tags};

#[btf_tracepoint]
fn kfree_skb(ctx: BtfTracePointContext) -> i32 {
    let _ = death::run(&ctx);
    0
}

#[btf_tracepoint]
fn netif_receive_skb(ctx: BtfTracePointContext) -> i32 {
    if let Some(area) = Area::current() {
        area.count(Counter::RxPackets);
        tags::set_rx(area.cpu, Skb(ctx.arg(0)));
    }
    0
}

#[btf_tracepoint]
fn net_dev_queue(ctx: BtfTracePointContext) -> i32 {
    if let Some(area) = Area::current() {
        area.count(Counter::TxPackets);
        tags::set_tx(area.cpu, Skb(ctx.arg(0)));
    }
    0
}

#[btf_tracepoint]
fn napi_poll(ctx: BtfTracePointContext) -> i32 {
    let _ = polls::run(&ctx);
    0
}

#[btf_tracepoint]
fn tcp_retransmit_skb(ctx: BtfTracePointContext) -> i32 {
    if let Some(area) = Area::current() {
        area.count(Counter::TcpRetransmitSkb);
        consequences::of_socket(ctx.arg(0), Consequence::Retransmit);
    }
    0
}

#[btf_tracepoint]
fn tcp_retransmit_synack(ctx: BtfTracePointContext) -> i32 {
    if let Some(area) = Area::current() {
        area.count(Counter::TcpRetransmitSynack);
        consequences::of_request(ctx.arg(1));
    }
    0
}

#[btf_tracepoint]
fn tcp_receive_reset(ctx: BtfTracePointContext) -> i32 {
    if let Some(area) = Area::current() {
        area.count(Counter::TcpReceiveReset);
        consequences::of_socket(ctx.arg(0), Consequence::Reset);
    }
    0
}

#[btf_tracepoint]
fn tcp_send_reset(ctx: BtfTracePointContext) -> i32 {
    if let Some(area) = Area::current() {
        area.count(Counter::TcpSendReset);
        consequences::of_reset(area.cpu, ctx.arg(0), ctx.arg(1));
    }
    0
}

#[btf_tracepoint]
fn qdisc_drop(ctx: BtfTracePointContext) -> i32 {
    let _ = qdiscs::run(&ctx);
    0
}

/// Hooks of which only the number is kept.
macro_rules! counted {
    ($($hook:ident => $counter:ident,)*) => {$(
        #[btf_tracepoint]
        fn $hook(_ctx: BtfTracePointContext) -> i32 {
            if let Some(area) = Area::current() {
                area.count(Counter::$counter);
            }
            0
        }
    )*};
}

counted! {
    tcp_bad_csum => TcpBadCsum,
    sock_rcvqueue_full => SockRcvqueueFull,
    sock_exceed_buf_limit => SockExceedBufLimit,
    udp_fail_queue_rcv_skb => UdpFailQueueRcvSkb,
    net_dev_xmit_timeout => NetDevXmitTimeout,
    xdp_exception => XdpException,
    xdp_redirect_err => XdpRedirectErr,
}

/// What an attached program costs that does nothing; for measuring.
#[btf_tracepoint]
fn empty(_ctx: BtfTracePointContext) -> i32 {
    0
}
