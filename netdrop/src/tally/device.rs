//! Names of devices, which may change while they are counted.

use std::collections::HashMap;

use super::{
    changing::Changing,
    intern::{Interner, Name},
    names::Names,
};

/// Names of devices by namespace and index.
#[derive(Clone, Debug, Default)]
pub(super) struct Devices {
    names: Changing<(u32, u32)>,
    /// Names that no device with this index has any more, and what it is called
    /// now.
    renamed: HashMap<(Name, u32), Name>,
}

impl Devices {
    /// The device's name; its last one once it is gone.
    pub(super) fn name(
        &mut self,
        (netns, ifindex): (u32, u32),
        interval: u64,
        interner: &mut Interner,
        names: &mut dyn Names,
    ) -> Option<Name> {
        let device = (netns, ifindex);
        let before = self.names.get(&device);
        let now = self.names.refresh(device, interval, || {
            interner.intern(&names.device(netns, ifindex)?)
        });
        if let Some(now) = now
            && before != Some(now)
        {
            self.learn(ifindex, before, now);
        }
        now
    }

    fn learn(&mut self, ifindex: u32, before: Option<Name>, now: Name) {
        let Self { names, renamed } = self;
        renamed.remove(&(now, ifindex));
        // Rows do not tell namespaces apart unless they are asked to.
        let Some(before) = before.filter(|before| {
            !names
                .iter()
                .any(|((_, index), name)| *index == ifindex && name == Some(*before))
        }) else {
            return;
        };
        for ((_, index), later) in renamed.iter_mut() {
            if *index == ifindex && *later == before {
                *later = now;
            }
        }
        renamed.insert((before, ifindex), now);
    }

    /// Was any device renamed?
    pub(super) fn any_renamed(&self) -> bool {
        !self.renamed.is_empty()
    }

    /// What the device with this index and perhaps a former name is called now.
    pub(super) fn current(&self, name: Name, ifindex: u32) -> Name {
        self.renamed.get(&(name, ifindex)).copied().unwrap_or(name)
    }
}
