//! `napi:napi_poll`: a ring was polled.

use aya_ebpf::{bindings::BPF_NOEXIST, maps::HashMap, programs::BtfTracePointContext};
use netdrop_ebpf::{area::Counter, squeeze::NapiKey};

use crate::{
    account::{Area, xadd},
    histograms,
    maps::{NAPIS_0, NAPIS_1},
    skb::Napi,
};

#[inline(always)]
pub(crate) fn run(ctx: &BtfTracePointContext) -> Option<()> {
    let area = Area::current()?;
    area.count(Counter::NapiPolls);
    let work: i32 = ctx.arg(1);
    histograms::add_poll(area, work);
    let budget: i32 = ctx.arg(2);
    if budget <= 0 || work != budget {
        return Some(());
    }
    area.count(Counter::NapiFull);
    let napi = Napi(ctx.arg(0));
    let (ifindex, netns) = napi.device().live_identity().unwrap_or((0, 0));
    let key = NapiKey {
        cpu: area.cpu,
        ifindex,
        netns,
        napi_id: napi.id(),
        poll: napi.poll(),
    };
    let counted = if area.generation() == 0 {
        count(&NAPIS_0, &key)
    } else {
        count(&NAPIS_1, &key)
    };
    if !counted {
        area.count(Counter::NapiOther);
    }
    Some(())
}

/// Adds a full poll to an instance. An insert can fail because another run made
/// the row, so look again before giving up.
#[inline(always)]
fn count(map: &HashMap<NapiKey, u64>, key: &NapiKey) -> bool {
    if let Some(row) = map.get_ptr_mut(key) {
        xadd(row, 1);
        return true;
    }
    if map.insert(key, 1, u64::from(BPF_NOEXIST)).is_ok() {
        return true;
    }
    let Some(row) = map.get_ptr_mut(key) else {
        return false;
    };
    xadd(row, 1);
    true
}
