//! Values: protocols, VLANs.

use super::super::{
    cursor::{Kind, Token},
    words::{self, Alone},
};
use super::{Parsed, Parser, number::number};

/// Highest VLAN identifier.
const LAST_VLAN: u16 = 4095;

impl<'a> Parser<'a> {
    /// A word, escaped or not.
    pub(super) fn value_word(&mut self, what: &str) -> Parsed<(&'a str, Token<'a>)> {
        let token = self.cursor.next();
        match token.kind {
            Kind::Escaped(word) => Ok((word, token)),
            Kind::Word(word) if !words::is_keyword(word) => Ok((word, token)),
            Kind::Word(word) => {
                let error = self.unexpected(&token, what);
                Err(self.no_value(error, &token, word))
            }
            Kind::Sign(sign) => Err(Self::sign_before_value(self.unexpected(&token, what), sign)),
            _ => Err(self.unexpected(&token, what)),
        }
    }

    /// What stands behind `proto`: a number, or a name with or without a
    /// backslash.
    pub(super) fn protocol(&mut self) -> Parsed<u8> {
        let token = self.cursor.next();
        let (Kind::Word(word) | Kind::Escaped(word)) = token.kind else {
            return Err(self.unexpected(&token, "an IP protocol"));
        };
        if let Some(number) = number(word) {
            return u8::try_from(number)
                .map_err(|_| self.error(token.span, "an IP protocol is a number from 0 to 255"));
        }
        if let Some(number) = self.names.protocol(word) {
            return Ok(number);
        }
        if let Some(Alone::Protocol(_, number)) = words::protocol(word).map(|known| known.alone) {
            return Ok(number);
        }
        Err(self
            .error(token.span, format!("unknown IP protocol `{word}`"))
            .hint("protocols are named as in /etc/protocols; a number works, too")
            .nearest(word, words::PROTOCOLS.iter().map(|known| known.word)))
    }

    /// What stands behind `ether proto`.
    pub(super) fn ethertype(&mut self) -> Parsed<u16> {
        /// Below this it is the length of an 802.3 frame.
        const FIRST: u32 = 0x0600;
        let token = self.cursor.next();
        let (Kind::Word(word) | Kind::Escaped(word)) = token.kind else {
            return Err(self.unexpected(&token, "an ethertype"));
        };
        if let Some(number) = number(word) {
            return match u16::try_from(number) {
                Ok(ethertype) if number >= FIRST => Ok(ethertype),
                _ => Err(self.error(token.span, "an ethertype is a number from 0x0600 to 0xffff")),
            };
        }
        match words::protocol(word).map(|known| known.alone) {
            Some(Alone::EtherType(number)) => Ok(number),
            _ if word == "loopback" => Ok(0x9000),
            _ => Err(self
                .error(token.span, format!("unknown ethertype `{word}`"))
                .nearest(word, words::PROTOCOLS.iter().map(|known| known.word))),
        }
    }

    /// What may stand behind `vlan`.
    pub(super) fn vlan_id(&mut self) -> Parsed<Option<u16>> {
        let before = self.cursor;
        let mut open = 0;
        while self.sign("(") {
            open += 1;
        }
        let token = self.cursor.peek();
        let found = match token.kind {
            Kind::Word(word) => number(word),
            _ => None,
        };
        let Some(id) = found else {
            self.cursor = before;
            return Ok(None);
        };
        self.cursor.next();
        for _ in 0..open {
            let token = self.cursor.peek();
            if !self.sign(")") {
                return Err(self.unexpected(&token, "`)`"));
            }
        }
        match u16::try_from(id) {
            Ok(id) if id <= LAST_VLAN => Ok(Some(id)),
            _ => Err(self.error(
                token.span,
                format!("a VLAN is a number from 0 to {LAST_VLAN}"),
            )),
        }
    }
}
