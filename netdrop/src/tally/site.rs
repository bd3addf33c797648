//! Everything user space derives from a site, once per site.

use std::{collections::HashMap, num::NonZeroU64};

use netdrop_ebpf::site::{NO_REASON, SiteKey, facts};

use super::{
    changing::Changing,
    device::Devices,
    group::Group,
    intern::{Interner, Name},
    names::{Evidence, Names, NetnsName, ReasonLabel, Severity},
    protocol, stack,
};
use crate::kernel::symbols::plain_name;

/// Sites remembered; beyond it the memory starts afresh.
const MOST_SITES: usize = 16_384;

/// A site, named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Stage.
    pub stage: Option<Name>,
    /// Netfilter hook.
    pub hook: Option<Name>,
    /// Netfilter engine.
    pub engine: Option<Name>,
    /// Kind of the qdisc.
    pub qdisc: Option<Name>,
    /// What told the stage.
    pub by: Evidence,
    /// Direction.
    pub direction: Option<Name>,
    /// Severity.
    pub severity: Severity,
    /// Reason, or its number in hexadecimal; `None` where the kernel gives none.
    pub reason: Option<Name>,
    /// Function, without the compiler's suffixes.
    pub function: Option<Name>,
    /// Distance into `function`.
    pub offset: Option<u64>,
    /// Where, when `function` is unknown.
    pub address: Option<NonZeroU64>,
    /// Protocol.
    pub protocol: Option<Name>,
    /// Stack, where it is part of the key: a line per frame, innermost first.
    pub stack: Option<Name>,
}

/// What a network namespace is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Netns {
    /// Its name.
    pub name: Name,
    /// How it was found.
    pub kind: Name,
}

#[derive(Clone, Debug)]
struct Remembered {
    named: Site,
    /// The interval in which it was asked for, while a name is missing.
    unsure: Option<u64>,
}

/// Named sites, devices and namespaces.
#[derive(Clone, Debug, Default)]
pub struct Sites {
    /// All names met.
    pub interner: Interner,
    known: HashMap<SiteKey, Remembered>,
    devices: Devices,
    namespaces: Changing<u32, Netns>,
    interval: u64,
}

impl Sites {
    /// From now on, names that may have changed are asked for again.
    pub fn next_interval(&mut self) {
        self.interval += 1;
    }

    /// The site, named.
    pub fn site(&mut self, key: &SiteKey, names: &mut dyn Names) -> Site {
        if let Some(Remembered { named, unsure }) = self.known.get(key)
            && unsure.is_none_or(|asked| asked == self.interval)
        {
            return *named;
        }
        if self.known.len() >= MOST_SITES {
            self.known.clear();
        }
        let reason = (key.reason != NO_REASON).then(|| names.reason(key.reason));
        let (site, open) = self.resolve(key, reason.as_ref(), names);
        let complete = !open && site.function.is_some() && reason.is_none_or(|reason| reason.named);
        let unsure = (!complete).then_some(self.interval);
        self.known.insert(
            *key,
            Remembered {
                named: site,
                unsure,
            },
        );
        site
    }

    fn resolve(
        &mut self,
        key: &SiteKey,
        reason: Option<&ReasonLabel>,
        names: &mut dyn Names,
    ) -> (Site, bool) {
        let Self { interner, .. } = self;
        let place = names.function(key.location);
        let stack = names.stack(key);
        let attribution = names.attribution(key, stack.as_deref());
        let frames = stack.map(|stack| stack::frames(&stack, key.location, names).join("\n"));
        let function = place
            .as_ref()
            .and_then(|place| interner.intern(plain_name(&place.function)));
        // A number left from a drop that the packet outlived says nothing.
        let qdisc = match attribution.stage {
            "tx_qdisc" => names.qdisc(key),
            _ => None,
        };
        let mut intern = |text: Option<&str>| text.and_then(|text| interner.intern(text));
        let site = Site {
            stage: intern(Some(attribution.stage)),
            hook: intern(attribution.hook),
            engine: intern(attribution.engine),
            qdisc: intern(qdisc.as_deref()),
            by: attribution.by,
            stack: intern(frames.as_deref()),
            direction: intern(attribution.direction),
            severity: attribution.severity,
            reason: intern(reason.map(|reason| &*reason.text)),
            function,
            offset: function.and(place).map(|place| place.offset),
            address: match function {
                Some(_) => None,
                None => NonZeroU64::new(key.location),
            },
            protocol: intern(protocol::name(key).as_deref()),
        };
        // Events come before the names that their interval learns.
        let unnamed =
            site.qdisc.is_none() && attribution.stage == "tx_qdisc" && facts::qdisc(key.facts) != 0;
        (site, attribution.open || unnamed)
    }

    /// The site as the stack of one drop there tells it.
    pub fn with_stack(
        &mut self,
        key: &SiteKey,
        site: &Site,
        stack: &[u64],
        names: &mut dyn Names,
    ) -> Site {
        let attribution = names.attribution(key, Some(stack));
        let mut intern = |text: Option<&str>| text.and_then(|text| self.interner.intern(text));
        Site {
            stage: intern(Some(attribution.stage)),
            hook: intern(attribution.hook),
            engine: intern(attribution.engine),
            by: attribution.by,
            direction: intern(attribution.direction),
            severity: attribution.severity,
            ..*site
        }
    }

    /// The device's name; its last one once it is gone.
    pub fn device(&mut self, key: &SiteKey, names: &mut dyn Names) -> Option<Name> {
        let SiteKey { netns, ifindex, .. } = *key;
        if ifindex == 0 {
            return None;
        }
        let Self {
            interner, devices, ..
        } = self;
        devices.name((netns, ifindex), self.interval, interner, names)
    }

    /// Was a device renamed since the start?
    #[must_use]
    pub fn any_renamed(&self) -> bool {
        self.devices.any_renamed()
    }

    /// The group, with the device's present name.
    #[must_use]
    pub fn present(&self, group: &Group) -> Group {
        let mut group = *group;
        if let (Some(name), Some(ifindex)) = (group.device, group.ifindex) {
            group.device = Some(self.devices.current(name, ifindex.get()));
        }
        group
    }

    /// Learns the network namespace's name.
    pub fn learn_netns(&mut self, inode: u32, names: &mut dyn Names) {
        let Self {
            interner,
            namespaces,
            ..
        } = self;
        namespaces.refresh(inode, self.interval, || {
            let NetnsName { name, kind } = names.netns_name(inode)?;
            Some(Netns {
                name: interner.intern(&name)?,
                kind: interner.intern(kind)?,
            })
        });
    }

    /// The network namespace's name as learned last.
    #[must_use]
    pub fn netns(&self, inode: u32) -> Option<Netns> {
        self.namespaces.get(&inode)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::names::{Attribution, Place},
        *,
    };

    #[derive(Default)]
    struct Counting {
        asked: u32,
        loaded: bool,
    }

    impl Names for Counting {
        fn reason(&mut self, reason: u32) -> ReasonLabel {
            let named = reason < 0x30000 || self.loaded;
            ReasonLabel {
                text: if named {
                    "NO_SOCKET".into()
                } else {
                    format!("{reason:#x}").into()
                },
                named,
            }
        }

        fn function(&mut self, _location: u64) -> Option<Place> {
            self.asked += 1;
            self.loaded.then(|| Place {
                function: "module_function.part.3".into(),
                offset: 16,
            })
        }

        fn attribution(&mut self, _site: &SiteKey, _stack: Option<&[u64]>) -> Attribution {
            Attribution {
                stage: "unknown",
                hook: None,
                engine: None,
                by: Evidence::Nothing,
                open: false,
                direction: None,
                severity: Severity::Suspicious,
            }
        }

        fn device(&mut self, _netns: u32, _ifindex: u32) -> Option<Arc<str>> {
            None
        }

        fn netns_name(&mut self, _inode: u32) -> Option<NetnsName> {
            None
        }
    }

    #[test]
    fn a_missing_name_is_asked_for_once_an_interval_and_a_known_one_never_again() {
        let mut sites = Sites::default();
        let mut names = Counting::default();
        let key = SiteKey {
            location: 0xffff_ffff_8100_0010,
            ..SiteKey::default()
        };
        sites.site(&key, &mut names);
        let unknown = sites.site(&key, &mut names);
        assert_eq!(names.asked, 1);
        assert_eq!(unknown.function, None);
        assert_eq!(
            unknown.address.map(NonZeroU64::get),
            Some(0xffff_ffff_8100_0010)
        );
        names.loaded = true;
        sites.next_interval();
        let known = sites.site(&key, &mut names);
        assert_eq!(known.address, None);
        assert_eq!(known.offset, Some(16));
        let text = sites.interner.text(known.function.unwrap());
        assert_eq!(&**text, "module_function");
        sites.next_interval();
        sites.site(&key, &mut names);
        assert_eq!(names.asked, 2);
    }

    #[test]
    fn a_reason_without_a_name_is_its_number_until_it_has_one() {
        let mut sites = Sites::default();
        let mut names = Counting::default();
        let reason = |number, sites: &mut Sites, names: &mut Counting| {
            let key = SiteKey {
                reason: number,
                ..SiteKey::default()
            };
            let site = sites.site(&key, names);
            site.reason
                .map(|name| sites.interner.text(name).to_string())
        };
        for (number, text) in [
            (0x30007, Some("0x30007")),
            (0x30008, Some("0x30008")),
            (3, Some("NO_SOCKET")),
            (NO_REASON, None),
        ] {
            assert_eq!(reason(number, &mut sites, &mut names).as_deref(), text);
        }
        names.loaded = true;
        sites.next_interval();
        let later = reason(0x30007, &mut sites, &mut names);
        assert_eq!(later.as_deref(), Some("NO_SOCKET"));
    }
}
