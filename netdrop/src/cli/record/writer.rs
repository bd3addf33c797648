//! The thread that encodes and writes, so that no disk keeps the counting
//! waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use anyhow::Context as _;
use caps::{CapSet, Capability, CapsHashSet};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::archive::{Archive, Cause, Summary, Target};
use crate::recording::{
    header::Header,
    write::{HostCounter, Written, sheet::Sheet},
};

/// Intervals that wait to be written, at most. While there is no room, an interval
/// is not ended: the kernel side goes on adding to it.
const WAITING: usize = 8;

/// What to do.
pub(super) enum Order {
    Start(Box<Header>, Vec<HostCounter>),
    Sheet(Box<Sheet>),
    Dump(Cause),
    Finish(&'static str),
}

/// What there is to tell.
#[derive(Debug)]
pub(super) enum News {
    /// A message.
    Said(String),
    /// No interval fits any more.
    Full,
    /// All is written.
    Done(Summary),
    /// Nothing more can be written.
    Failed(anyhow::Error),
}

/// What was written so far.
#[derive(Debug, Default)]
struct Status {
    waiting: AtomicUsize,
    drops: AtomicU64,
    bytes: AtomicU64,
}

/// The thread, from outside.
#[derive(Debug)]
pub(super) struct Writer {
    orders: mpsc::Sender<Order>,
    news: UnboundedReceiver<News>,
    status: Arc<Status>,
}

impl Writer {
    /// Starts it. `opens`: it will create files later, as the user may who started
    /// it; a thread keeps the capabilities for that which the others give up.
    pub(super) fn start(target: Target, opens: bool) -> anyhow::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let (outbox, news) = unbounded_channel();
        let status = Arc::new(Status::default());
        let shared = Arc::clone(&status);
        thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                give_up_capabilities(opens);
                let ended = work(target, &inbox, &outbox, &shared);
                let last = match ended {
                    Ok(Some(summary)) => News::Done(summary),
                    // Nobody wants anything any more.
                    Ok(None) => return,
                    Err(error) => News::Failed(error),
                };
                let _ = outbox.send(last);
            })
            .context("cannot start the thread that writes")?;
        Ok(Self {
            orders,
            news,
            status,
        })
    }

    /// Is there room for an interval?
    pub(super) fn has_room(&self) -> bool {
        self.status.waiting.load(Relaxed) < WAITING
    }

    /// Orders are done one after another. After a failure none is.
    pub(super) fn send(&self, order: Order) {
        if matches!(order, Order::Sheet(_)) {
            self.status.waiting.fetch_add(1, Relaxed);
        }
        let _ = self.orders.send(order);
    }

    /// What happened next.
    pub(super) async fn news(&mut self) -> News {
        self.news
            .recv()
            .await
            .unwrap_or_else(|| News::Failed(anyhow::anyhow!("the thread that writes ended early")))
    }

    /// Drops and bytes written so far.
    pub(super) fn written(&self) -> (u64, u64) {
        let Status { drops, bytes, .. } = &*self.status;
        (drops.load(Relaxed), bytes.load(Relaxed))
    }
}

fn work(
    target: Target,
    orders: &mpsc::Receiver<Order>,
    news: &UnboundedSender<News>,
    status: &Status,
) -> anyhow::Result<Option<Summary>> {
    let mut say = |message| {
        let _ = news.send(News::Said(message));
    };
    let Ok(Order::Start(header, counters)) = orders.recv() else {
        return Ok(None);
    };
    let mut archive = Archive::start(target, *header, &counters)?;
    let mut so_far = Summary::default();
    let mut full = false;
    loop {
        match orders.recv() {
            Ok(Order::Sheet(_)) if full => {
                status.waiting.fetch_sub(1, Relaxed);
            }
            Ok(Order::Sheet(sheet)) => {
                let drops = sheet.stamp.drops;
                match archive.sheet(*sheet, &mut say)? {
                    Written::Yes => {
                        so_far.drops += drops;
                        so_far.intervals += 1;
                        status.drops.store(so_far.drops, Relaxed);
                        status.bytes.store(archive.bytes(), Relaxed);
                    }
                    Written::Full => {
                        full = true;
                        let _ = news.send(News::Full);
                    }
                }
                status.waiting.fetch_sub(1, Relaxed);
            }
            Ok(Order::Dump(cause)) => archive.dump(&cause, &mut say),
            Ok(Order::Finish(why)) => {
                let why = if full { "size" } else { why };
                let mut summary = archive.finish(why, &so_far)?;
                if full {
                    summary.place.push_str(", which is full: see --max-size");
                }
                return Ok(Some(summary));
            }
            Ok(Order::Start(..)) => {}
            Err(mpsc::RecvError) => return Ok(None),
        }
    }
}

/// Failing to give something up is no reason to stop.
fn give_up_capabilities(opens: bool) {
    let Ok(permitted) = caps::read(None, CapSet::Permitted) else {
        return;
    };
    let kept: CapsHashSet = permitted
        .into_iter()
        .filter(|capability| opens && *capability == Capability::CAP_DAC_OVERRIDE)
        .collect();
    let _ = caps::set(None, CapSet::Effective, &kept);
    let _ = caps::set(None, CapSet::Inheritable, &CapsHashSet::new());
    let _ = caps::set(None, CapSet::Permitted, &kept);
}
