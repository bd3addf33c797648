//! Networks: addresses that agree in some bits.

use std::{
    fmt::{self, Display, Formatter},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Addresses that agree in some bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Net {
    /// IPv4: address and mask.
    V4(Ipv4Addr, Ipv4Addr),
    /// IPv6: address and prefix length, 0 to 128.
    V6(Ipv6Addr, u8),
}

impl Net {
    /// Is it one address?
    #[must_use]
    pub fn is_host(self) -> bool {
        matches!(self, Self::V4(_, Ipv4Addr::BROADCAST) | Self::V6(_, 128))
    }

    /// The same without the address's bits outside of it.
    #[must_use]
    pub fn network(self) -> Self {
        match self {
            Self::V4(address, mask) => Self::V4(address & mask, mask),
            Self::V6(address, bits) => {
                let outside = u128::MAX.checked_shr(bits.into()).unwrap_or(0);
                Self::V6(address & Ipv6Addr::from(!outside), bits)
            }
        }
    }
}

impl From<IpAddr> for Net {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address, Ipv4Addr::BROADCAST),
            IpAddr::V6(address) => Self::V6(address, 128),
        }
    }
}

impl Display for Net {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V4(address, Ipv4Addr::BROADCAST) => address.fmt(formatter),
            Self::V4(address, mask) => {
                let mask_bits = u32::from(mask);
                let bits = mask_bits.leading_ones();
                if mask_bits.count_ones() == bits {
                    write!(formatter, "{address}/{bits}")
                } else {
                    write!(formatter, "{address} mask {mask}")
                }
            }
            Self::V6(address, 128) => address.fmt(formatter),
            Self::V6(address, bits) => write!(formatter, "{address}/{bits}"),
        }
    }
}
