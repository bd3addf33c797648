//! What the programs themselves have to say, through aya-log: rare errors
//! only, such as a table that refuses an entry for no expected reason.

use std::sync::{Arc, Mutex, PoisonError};

use aya::Ebpf;
use aya_log::EbpfLogger;
use log::{Log, Metadata, Record};

/// Messages kept until they are taken; more are dropped.
const MOST: usize = 16;

#[derive(Clone, Debug, Default)]
struct Queue(Arc<Mutex<Vec<String>>>);

impl Log for Queue {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let message = record.args().to_string();
        if queue.len() < MOST && !queue.contains(&message) {
            queue.push(message);
        }
    }

    fn flush(&self) {}
}

/// The reading end.
pub(super) struct Messages {
    logger: Option<EbpfLogger<Queue>>,
    queue: Queue,
}

impl Messages {
    pub(super) fn new(ebpf: &mut Ebpf) -> Self {
        let queue = Queue::default();
        let logger = EbpfLogger::init_with_logger(ebpf, queue.clone()).ok();
        Self { logger, queue }
    }

    /// What came since the last call.
    pub(super) fn take(&mut self) -> Vec<String> {
        if let Some(logger) = &mut self.logger {
            logger.flush();
        }
        std::mem::take(&mut *self.queue.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
