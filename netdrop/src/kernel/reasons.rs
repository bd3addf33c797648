//! Names of the running kernel's drop reasons.
//!
//! The numbers differ between kernels, even within a stable series, and so do
//! the subsystems in their high half: both come from BTF (`enum
//! skb_drop_reason`, `enum skb_drop_reason_subsys`, `include/net/dropreason*.h`,
//! 5.17 and later, and backports).

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use super::btf::Btf;

const PREFIX: &str = "SKB_DROP_REASON_";
const SUBSYSTEM_PREFIX: &str = "SKB_DROP_REASON_SUBSYS_";

/// The high half of a number is its subsystem (`SKB_DROP_REASON_SUBSYS_SHIFT`).
const SUBSYSTEM_SHIFT: u32 = 16;

/// Shortest time between two looks for modules that name their reasons.
const PAUSE: Duration = Duration::from_secs(5);

/// Names by number.
#[derive(Debug, Default)]
pub struct ReasonNames {
    names: BTreeMap<u32, String>,
    subsystems: Vec<Subsystem>,
    looked: Option<Instant>,
}

/// Reasons that are numbered apart from the core's.
#[derive(Debug)]
struct Subsystem {
    number: u32,
    /// As the kernel names it, in lower case.
    name: String,
    /// Module that has the names, unless the kernel itself does.
    module: String,
    /// Enum that has them.
    enumeration: String,
    known: bool,
}

impl ReasonNames {
    /// Reads the kernel's names, and those of the modules loaded now. A kernel
    /// without reasons has none.
    #[must_use]
    pub fn load(btf: &Btf<'_>) -> Self {
        let mut reasons = Self::of_kernel(btf);
        reasons.add_modules(btf, |module, base| Btf::module(module, base).ok());
        reasons
    }

    /// Does this kernel give reasons?
    #[must_use]
    pub fn has_reasons(&self) -> bool {
        !self.names.is_empty()
    }

    /// Does this kernel have a reason of this name?
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.values().any(|known| known == name)
    }

    /// The name as the kernel has it, without `SKB_DROP_REASON_`.
    #[must_use]
    pub fn name(&self, number: u32) -> Option<&str> {
        self.names.get(&number).map(String::as_str)
    }

    /// The name, or for a number without one the number in hexadecimal.
    #[must_use]
    pub fn label(&self, number: u32) -> Cow<'_, str> {
        self.name(number)
            .map_or_else(|| format!("{number:#x}").into(), Cow::Borrowed)
    }

    /// Every number and its name.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        self.names
            .iter()
            .map(|(number, name)| (*number, name.as_str()))
    }

    /// The part of the kernel that numbers a reason: `core`, `openvswitch` and
    /// so on, as in `enum skb_drop_reason_subsys`. `None` for a number of none.
    #[must_use]
    pub fn subsystem(&self, number: u32) -> Option<&str> {
        let subsystem = number >> SUBSYSTEM_SHIFT;
        if subsystem == 0 {
            return Some("core");
        }
        let mut subsystems = self.subsystems.iter();
        subsystems
            .find(|known| known.number == subsystem)
            .map(|known| known.name.as_str())
    }

    /// The module that must be loaded before the reasons of a subsystem have
    /// names.
    #[must_use]
    pub fn awaits(&self, subsystem: &str) -> Option<&str> {
        let mut subsystems = self.subsystems.iter();
        subsystems
            .find(|known| known.name == subsystem && !known.known)
            .map(|known| known.module.as_str())
    }

    /// Call this for a number without a name: if its subsystem belongs to a
    /// module that has been loaded since, the module's names are added, and the
    /// answer is true. Looks at most once every few seconds.
    pub fn look_again(&mut self, number: u32) -> bool {
        let waits = self.subsystems.iter().any(|subsystem| {
            subsystem.number == number >> SUBSYSTEM_SHIFT
                && !subsystem.known
                && Path::new("/sys/kernel/btf")
                    .join(&subsystem.module)
                    .exists()
        });
        if !waits || self.looked.is_some_and(|looked| looked.elapsed() < PAUSE) {
            return false;
        }
        self.looked = Some(Instant::now());
        // Not kept from the start: it is as large as all the rest together.
        let Ok(btf) = Btf::vmlinux() else {
            return false;
        };
        self.add_modules(&btf, |module, base| Btf::module(module, base).ok());
        self.names.contains_key(&number)
    }

    fn of_kernel(btf: &Btf<'_>) -> Self {
        let names = btf
            .enumerators("skb_drop_reason")
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(name, value)| Some((u32::try_from(value).ok()?, core_name(&name)?)))
            .collect();
        let subsystems = btf
            .enumerators("skb_drop_reason_subsys")
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(name, value)| Subsystem::new(&name, value))
            .collect();
        let mut reasons = Self {
            names,
            subsystems,
            looked: None,
        };
        reasons.add_known(btf, |_| true);
        reasons
    }

    /// Adds the names of every module that `open` has types of.
    fn add_modules<'base>(
        &mut self,
        base: &'base Btf<'base>,
        open: impl Fn(&str, &'base Btf<'base>) -> Option<Btf<'base>>,
    ) {
        let mut modules: Vec<String> = self
            .subsystems
            .iter()
            .filter(|subsystem| !subsystem.known)
            .map(|subsystem| subsystem.module.clone())
            .collect();
        modules.dedup();
        for module in modules {
            if let Some(btf) = open(&module, base) {
                self.add_known(&btf, |subsystem| subsystem.module == module);
            }
        }
    }

    fn add_known(&mut self, btf: &Btf<'_>, which: impl Fn(&Subsystem) -> bool) {
        let Self {
            names, subsystems, ..
        } = self;
        for subsystem in subsystems {
            if subsystem.known || !which(subsystem) {
                continue;
            }
            let Some(enumerators) = subsystem.enumerators(btf) else {
                continue;
            };
            subsystem.known = true;
            names.extend(enumerators.into_iter().filter_map(|(name, value)| {
                let number = u32::try_from(value).ok()?;
                let name = subsystem_name(&name)?;
                (number >> SUBSYSTEM_SHIFT == subsystem.number).then(|| (number, name.to_owned()))
            }));
        }
    }
}

impl Subsystem {
    /// A member of `enum skb_drop_reason_subsys`.
    fn new(name: &str, value: i64) -> Option<Self> {
        let name = name.strip_prefix(SUBSYSTEM_PREFIX)?;
        if matches!(name, "CORE" | "NUM") {
            return None;
        }
        // UNUSABLE, and MONITOR up to 6.16, are one module's.
        let module = if name.starts_with("MAC80211") {
            "mac80211".to_owned()
        } else {
            name.to_ascii_lowercase()
        };
        let enumeration = if module == "openvswitch" {
            "ovs_drop_reason".to_owned()
        } else {
            format!("{module}_drop_reason")
        };
        Some(Self {
            number: u32::try_from(value).ok()?,
            name: name.to_ascii_lowercase(),
            module,
            enumeration,
            known: false,
        })
    }

    fn enumerators(&self, btf: &Btf<'_>) -> Option<Vec<(String, i64)>> {
        // mac80211 has an enum for the compiler and one for sparse.
        btf.enumerators(&self.enumeration)
            .or_else(|| btf.enumerators(&format!("___{}", self.enumeration)))
    }
}

/// The name of a core reason; `None` for what only marks the end or a mask.
fn core_name(name: &str) -> Option<String> {
    let plain = name.strip_prefix(PREFIX).unwrap_or(name);
    (!matches!(plain, "MAX" | "MASK" | "SUBSYS_MASK")).then(|| plain.to_owned())
}

/// The name of a subsystem's reason; `None` for its base and its end.
fn subsystem_name(name: &str) -> Option<&str> {
    let plain = name.strip_prefix("___").unwrap_or(name);
    (!plain.starts_with("__") && !plain.ends_with("_MAX")).then_some(plain)
}

#[cfg(test)]
pub(crate) mod canned {
    use super::{Btf, ReasonNames};
    use crate::kernel::btf::builder::Builder;

    /// A kernel with a few reasons; its mac80211 is a module.
    pub(crate) fn reasons() -> ReasonNames {
        ReasonNames::of_kernel(&kernel())
    }

    /// A kernel that gives no reasons.
    pub(crate) fn none() -> ReasonNames {
        ReasonNames::default()
    }

    pub(super) fn kernel() -> Btf<'static> {
        let mut builder = Builder::new();
        builder.enumeration(
            "skb_drop_reason",
            &[
                ("SKB_NOT_DROPPED_YET", 0),
                ("SKB_CONSUMED", 1),
                ("SKB_DROP_REASON_NOT_SPECIFIED", 2),
                ("SKB_DROP_REASON_NO_SOCKET", 3),
                ("SKB_DROP_REASON_BRAND_NEW", 5),
                ("SKB_DROP_REASON_MAX", 6),
                ("SKB_DROP_REASON_SUBSYS_MASK", 0xffff_0000),
            ],
        );
        builder.enumeration(
            "skb_drop_reason_subsys",
            &[
                ("SKB_DROP_REASON_SUBSYS_CORE", 0),
                ("SKB_DROP_REASON_SUBSYS_MAC80211_UNUSABLE", 1),
                ("SKB_DROP_REASON_SUBSYS_OPENVSWITCH", 2),
                ("SKB_DROP_REASON_SUBSYS_QDISC", 3),
                ("SKB_DROP_REASON_SUBSYS_NUM", 4),
            ],
        );
        builder.enumeration(
            "qdisc_drop_reason",
            &[
                ("QDISC_DROP_UNSPEC", 0),
                ("__QDISC_DROP_REASON", 0x30000),
                ("QDISC_DROP_GENERIC", 0x30001),
                ("QDISC_DROP_MAX", 0x30002),
            ],
        );
        Btf::parse(builder.build(), None).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::{Btf, ReasonNames, canned::kernel};
    use crate::kernel::btf::builder::Builder;

    fn module<'base>(name: &str, base: &'base Btf<'base>) -> Option<Btf<'base>> {
        let mut builder = Builder::on(base);
        match name {
            "mac80211" => builder.enumeration(
                "___mac80211_drop_reason",
                &[
                    ("___RX_CONTINUE", 1),
                    ("___RX_DROP_UNUSABLE", 0x10000),
                    ("___RX_DROP_U_MIC_FAIL", 0x10001),
                ],
            ),
            _ => return None,
        };
        Btf::parse(builder.build(), Some(base)).ok()
    }

    #[test]
    fn core_and_built_in_subsystem_reasons_are_named_without_pseudo_values() {
        let reasons = ReasonNames::of_kernel(&kernel());
        assert!(reasons.has_reasons());
        assert_eq!(reasons.name(0), Some("SKB_NOT_DROPPED_YET"));
        assert_eq!(reasons.name(3), Some("NO_SOCKET"));
        assert_eq!(reasons.name(0x30001), Some("QDISC_DROP_GENERIC"));
        for pseudo in [4, 6, 0xffff_0000, 0x30000, 0x30002, u32::MAX] {
            assert_eq!(reasons.name(pseudo), None, "{pseudo:#x}");
        }
        assert_eq!(reasons.label(0x30007), "0x30007");
        assert_eq!(reasons.subsystem(3), Some("core"));
        assert_eq!(reasons.subsystem(0x30001), Some("qdisc"));
        assert_eq!(reasons.subsystem(0x90001), None);
        assert!(reasons.iter().any(|found| found == (3, "NO_SOCKET")));
        assert_eq!(reasons.awaits("mac80211_unusable"), Some("mac80211"));
        assert_eq!(reasons.awaits("qdisc"), None);
    }

    #[test]
    fn a_loaded_module_names_its_reasons_and_no_others() {
        let kernel = kernel();
        let mut reasons = ReasonNames::of_kernel(&kernel);
        assert_eq!(reasons.name(0x10001), None);
        reasons.add_modules(&kernel, module);
        assert_eq!(reasons.name(0x10000), Some("RX_DROP_UNUSABLE"));
        assert_eq!(reasons.name(0x10001), Some("RX_DROP_U_MIC_FAIL"));
        assert_eq!(reasons.name(1), Some("SKB_CONSUMED"));
        assert_eq!(reasons.label(0x20001), "0x20001");
    }

    #[test]
    fn a_kernel_without_reasons_has_none() {
        let btf = Btf::parse(Builder::new().build(), None).unwrap();
        let reasons = ReasonNames::load(&btf);
        assert!(!reasons.has_reasons());
        assert_eq!(reasons.name(2), None);
    }
}
