//! Any text: the parser answers, what it reads prints and reads as the same
//! again, and a plan is made of it or refused.
#![no_main]

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
};

use libfuzzer_sys::fuzz_target;
use netdrop::filter::{names::Names, parse, plan::Plan, tree::Transport};

/// Asks nobody, so that the same text always means the same.
struct Fixed;

impl Names for Fixed {
    fn host(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        match name.len() {
            1..8 => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn service(&self, name: &str) -> Vec<(u16, Transport)> {
        match name {
            "domain" => vec![(53, Transport::Tcp), (53, Transport::Udp)],
            _ => Vec::new(),
        }
    }

    fn protocol(&self, _name: &str) -> Option<u8> {
        None
    }
}

fuzz_target!(|text: &str| {
    match parse(text, &Fixed) {
        Ok(Some(tree)) => {
            let printed = tree.to_string();
            assert_eq!(parse(&printed, &Fixed), Ok(Some(tree.clone())), "{printed}");
            let _ = Plan::new(&tree);
        }
        Ok(None) => {}
        Err(error) => drop(error.to_string()),
    }
});
