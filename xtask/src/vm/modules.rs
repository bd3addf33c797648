//! The kernel modules the lab may ask for, and what they depend on.

use std::collections::{BTreeMap, BTreeSet};

/// What the lab uses, by module name. Nothing is loaded at boot: the kernel asks modprobe by
/// alias, or a scenario does by name. Names that a kernel lacks, or has built in, are noted.
pub(crate) const WANTED: &[&str] = &[
    // devices
    "veth",
    "bridge",
    "dummy",
    "tun",
    "ifb",
    "8021q",
    "macvlan",
    "ipvlan",
    "vxlan",
    "geneve",
    "ip_gre",
    "ipip",
    "sit",
    "vrf",
    "bonding",
    "wireguard",
    // netfilter, new and old
    "nf_tables",
    "nft_compat",
    "nft_counter",
    "nft_ct",
    "nft_limit",
    "nft_log",
    "nft_reject",
    "nft_reject_inet",
    "nft_reject_ipv4",
    "nft_reject_ipv6",
    "nft_reject_bridge",
    "nft_meta_bridge",
    "nft_chain_nat",
    "nft_masq",
    "nft_nat",
    "nft_fib",
    "nft_fib_inet",
    "nft_numgen",
    "nft_quota",
    "nft_connlimit",
    "nft_queue",
    "nfnetlink_queue",
    "nf_conntrack",
    "nf_conntrack_netlink",
    "nf_conntrack_bridge",
    "nf_log_syslog",
    "br_netfilter",
    "x_tables",
    "ip_tables",
    "ip6_tables",
    "iptable_filter",
    "iptable_raw",
    "iptable_mangle",
    "iptable_nat",
    "ip6table_filter",
    "ip6table_raw",
    "ipt_REJECT",
    "ip6t_REJECT",
    "ipt_rpfilter",
    "xt_conntrack",
    "xt_limit",
    "xt_hashlimit",
    "xt_length",
    "xt_mark",
    "xt_multiport",
    "xt_statistic",
    "xt_state",
    "xt_tcpudp",
    "xt_u32",
    "xt_LOG",
    "xt_comment",
    // queueing and classifying
    "sch_tbf",
    "sch_fq",
    "sch_fq_codel",
    "sch_htb",
    "sch_ingress",
    "sch_netem",
    "sch_prio",
    "sch_red",
    "sch_sfq",
    "sch_cake",
    "sch_codel",
    "sch_pie",
    "cls_basic",
    "cls_bpf",
    "cls_flower",
    "cls_matchall",
    "cls_u32",
    "act_bpf",
    "act_gact",
    "act_mirred",
    "act_police",
    // protocols
    "af_packet_diag",
    "esp4",
    "esp6",
    "ah4",
    "xfrm_user",
    "xfrm_interface",
    "sctp",
    "openvswitch",
    "inet_diag",
    "tcp_diag",
    "udp_diag",
    "drop_monitor",
    "pktgen",
    "mpls_router",
    "vsock_loopback",
];

/// A kernel's `modules.dep`: each module's file, and the files it needs.
#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    files: BTreeMap<String, Vec<String>>,
    by_name: BTreeMap<String, String>,
}

/// Modules to take along.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Files, relative to `lib/modules/VERSION`.
    pub(crate) files: BTreeSet<String>,
    /// Names for which there is no file.
    pub(crate) absent: Vec<&'static str>,
}

impl Dependencies {
    /// Reads `modules.dep`.
    pub(crate) fn parse(text: &str) -> Self {
        let mut dependencies = Self::default();
        for line in text.lines() {
            let Some((file, needs)) = line.split_once(':') else {
                continue;
            };
            let needs = needs.split_whitespace().map(str::to_owned).collect();
            dependencies
                .by_name
                .insert(module_name(file), file.to_owned());
            dependencies.files.insert(file.to_owned(), needs);
        }
        dependencies
    }

    /// The files of `wanted` and of all they depend on.
    pub(crate) fn select(&self, wanted: &[&'static str]) -> Selection {
        let mut selection = Selection::default();
        let mut open = Vec::new();
        for name in wanted {
            match self.by_name.get(*name) {
                Some(file) => open.push(file),
                None => selection.absent.push(*name),
            }
        }
        while let Some(file) = open.pop() {
            if selection.files.insert(file.clone()) {
                open.extend(self.files.get(file).into_iter().flatten());
            }
        }
        selection
    }

    /// `modules.dep` for the selected files, once they are no longer compressed.
    pub(crate) fn narrowed(&self, selection: &Selection) -> String {
        let mut text = String::new();
        for file in &selection.files {
            text.push_str(uncompressed(file));
            text.push(':');
            for need in self.files.get(file).into_iter().flatten() {
                text.push(' ');
                text.push_str(uncompressed(need));
            }
            text.push('\n');
        }
        text
    }
}

/// `modules.alias` for the selected files.
pub(crate) fn narrowed_aliases(aliases: &str, selection: &Selection) -> String {
    let names: BTreeSet<_> = selection
        .files
        .iter()
        .map(|file| module_name(file))
        .collect();
    aliases
        .lines()
        .filter(|line| {
            line.rsplit(' ')
                .next()
                .is_some_and(|module| names.contains(module))
        })
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// The module's file name without its compression.
pub(crate) fn uncompressed(file: &str) -> &str {
    file.strip_suffix(".xz")
        .or_else(|| file.strip_suffix(".zst"))
        .unwrap_or(file)
}

fn module_name(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    uncompressed(name).trim_end_matches(".ko").replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEP: &str = "\
kernel/net/bridge/bridge.ko.xz: kernel/net/802/stp.ko.xz kernel/net/llc/llc.ko.xz
kernel/net/802/stp.ko.xz: kernel/net/llc/llc.ko.xz
kernel/net/llc/llc.ko.xz:
kernel/drivers/net/veth.ko:
kernel/net/netfilter/nf-odd.ko.zst:
";

    #[test]
    fn dependencies_come_along_and_others_do_not() {
        let selection = Dependencies::parse(DEP).select(&["bridge"]);
        let files: Vec<_> = selection.files.iter().map(String::as_str).collect();
        assert_eq!(
            files,
            [
                "kernel/net/802/stp.ko.xz",
                "kernel/net/bridge/bridge.ko.xz",
                "kernel/net/llc/llc.ko.xz"
            ]
        );
    }

    #[test]
    fn absent_modules_are_noted() {
        let selection = Dependencies::parse(DEP).select(&["veth", "nft_counter"]);
        assert_eq!(selection.absent, ["nft_counter"]);
        assert_eq!(selection.files.len(), 1);
    }

    #[test]
    fn names_with_dashes_are_found_by_underscores() {
        let selection = Dependencies::parse(DEP).select(&["nf_odd"]);
        assert!(selection.absent.is_empty());
    }

    #[test]
    fn the_narrowed_file_names_uncompressed_modules() {
        let dependencies = Dependencies::parse(DEP);
        let text = dependencies.narrowed(&dependencies.select(&["bridge"]));
        assert!(text.contains(
            "kernel/net/bridge/bridge.ko: kernel/net/802/stp.ko kernel/net/llc/llc.ko\n"
        ));
        assert!(!text.contains("veth"));
    }

    #[test]
    fn aliases_of_other_modules_are_left_out() {
        let aliases = "# comment\nalias rtnl-link-bridge bridge\nalias rtnl-link-veth veth\n";
        let selection = Dependencies::parse(DEP).select(&["veth"]);
        assert_eq!(
            narrowed_aliases(aliases, &selection),
            "alias rtnl-link-veth veth\n"
        );
    }
}
