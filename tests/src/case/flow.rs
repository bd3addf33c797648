//! Whose packets died.

use std::net::IpAddr;

use serde_json::Value;

use crate::netdrop::record::Row;

/// Whose packets: the flow keys of a row, null where a packet has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) protocol: &'static str,
    pub(crate) src: IpAddr,
    pub(crate) src_port: Option<u16>,
    pub(crate) dst: IpAddr,
    pub(crate) dst_port: Option<u16>,
}

impl Flow {
    /// A flow with ports.
    pub(crate) fn new(
        protocol: &'static str,
        (src, src_port): (impl Into<IpAddr>, u16),
        (dst, dst_port): (impl Into<IpAddr>, u16),
    ) -> Self {
        let (src, dst) = (src.into(), dst.into());
        Self {
            protocol,
            src,
            src_port: Some(src_port),
            dst,
            dst_port: Some(dst_port),
        }
    }

    /// Whether these are the flow keys of a row.
    pub(super) fn is_of(&self, row: &Row) -> bool {
        let Self {
            protocol,
            src,
            src_port,
            dst,
            dst_port,
        } = self;
        *row.key("protocol") == **protocol
            && *row.key("src") == src.to_string()
            && *row.key("src_port") == Value::from(*src_port)
            && *row.key("dst") == dst.to_string()
            && *row.key("dst_port") == Value::from(*dst_port)
    }
}

/// Whose packets the drops of a site are.
#[derive(Debug)]
pub(super) enum Whose {
    /// Not looked at.
    Anybody,
    /// As many of each flow.
    Flows(Vec<Flow>),
    /// Packets without addresses, of this protocol.
    Nobody(&'static str),
}

impl Whose {
    pub(super) fn is_of(&self, row: &Row) -> bool {
        match self {
            Self::Anybody => true,
            Self::Flows(flows) => flows.iter().any(|flow| flow.is_of(row)),
            Self::Nobody(protocol) => {
                *row.key("protocol") == **protocol
                    && ["src", "src_port", "dst", "dst_port"]
                        .iter()
                        .all(|key| row.keys.get(*key) == Some(&Value::Null))
            }
        }
    }
}
