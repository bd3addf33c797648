//! Names that mean the same on every machine.

use std::{io, net::IpAddr};

use netdrop::filter::{names::Names, tree::Transport};

pub(crate) struct Fixed {
    pub(crate) reasons: Option<Vec<String>>,
}

impl Fixed {
    pub(crate) const NONE: Self = Self { reasons: None };
}

impl Names for Fixed {
    fn host(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        match name {
            "ace" => Ok(vec![
                "10.0.0.1".parse().unwrap(),
                "2001:db8::1".parse().unwrap(),
            ]),
            "hot" => Ok(vec!["10.0.0.2".parse().unwrap()]),
            _ => Err(io::Error::other("no such name")),
        }
    }

    fn service(&self, name: &str) -> Vec<(u16, Transport)> {
        match name {
            "domain" => vec![(53, Transport::Tcp), (53, Transport::Udp)],
            "http" => vec![(80, Transport::Tcp)],
            "ftp-data" => vec![(20, Transport::Tcp)],
            _ => Vec::new(),
        }
    }

    fn services(&self) -> Vec<String> {
        ["domain", "http", "ftp-data"].map(str::to_owned).to_vec()
    }

    fn protocol(&self, name: &str) -> Option<u8> {
        (name == "gre").then_some(47)
    }

    fn reasons(&self) -> Option<&[String]> {
        self.reasons.as_deref()
    }
}
