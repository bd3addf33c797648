//! A TCP end made of frames. It speaks from an address that no stack owns, so
//! nobody but the scenario answers for it.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    bench::PATIENCE,
    frame::{ACK, Frame, SYN, Segment, Transport},
    lab::{A, B, GHOST, Pair},
    sys::FrameSocket,
};

/// Where the headers begin in a frame, if IPv4 has no options.
const IP: usize = 14;
const TCP: usize = 34;

/// The peer's end: its port, B's port, and what it would send next.
pub(crate) struct Peer {
    socket: FrameSocket,
    pub(crate) port: u16,
    listener: u16,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
}

/// What B has sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) port: u16,
    /// The value of its timestamps option.
    pub(crate) time: Option<u32>,
}

impl Peer {
    /// A peer that has said nothing yet.
    pub(crate) fn new(lab: &Pair, port: u16, listener: u16) -> Result<Self> {
        let ifindex = lab.a.ifindex(A.device)?;
        Ok(Self {
            socket: lab
                .a
                .inside(|| FrameSocket::listen(ifindex).context("packet socket"))?,
            port,
            listener,
            seq: 1_000_000,
            ack: 0,
        })
    }

    /// A peer whose connection is established.
    pub(crate) fn connected(lab: &Pair, port: u16, listener: u16) -> Result<Self> {
        let mut peer = Self::new(lab, port, listener)?;
        peer.open()?;
        peer.send(&peer.segment(ACK))?;
        Ok(peer)
    }

    /// Sends a SYN and takes the answer.
    pub(crate) fn open(&mut self) -> Result<Heard> {
        self.open_by(&self.segment(SYN))
    }

    /// Sends this SYN and takes the answer.
    pub(crate) fn open_by(&mut self, syn: &Segment) -> Result<Heard> {
        self.send(syn)?;
        let answer = self.hear()?;
        ensure!(answer.flags == SYN | ACK, "no SYN-ACK, but {answer:?}");
        self.seq = answer.ack;
        self.ack = answer.seq.wrapping_add(1);
        Ok(answer)
    }

    /// The next segment, without payload.
    pub(crate) fn segment(&self, flags: u8) -> Segment {
        Segment::new(self.port, self.listener, flags).at(self.seq, self.ack)
    }

    /// A segment as a frame.
    pub(crate) fn frame(segment: Segment) -> Frame {
        Frame::v4(A, B, Transport::Tcp(segment)).src(GHOST)
    }

    pub(crate) fn send(&self, segment: &Segment) -> Result<()> {
        self.socket
            .send(&Self::frame(segment.clone()).bytes())
            .context("cannot send a segment")
    }

    /// Waits for the next segment for the peer's port.
    pub(crate) fn hear(&self) -> Result<Heard> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(frame) = self.socket.receive()? {
                if let Some(heard) = heard(&frame, self.port) {
                    return Ok(heard);
                }
            }
            ensure!(
                Instant::now() < deadline,
                "port {} hears nothing",
                self.port
            );
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Decodes a frame that carries a segment for the ghost's port.
fn heard(frame: &[u8], port: u16) -> Option<Heard> {
    let ip = frame.get(IP..TCP)?;
    (ip[0] == 0x45 && ip[9] == 6 && ip[16..20] == GHOST.octets()).then_some(())?;
    let tcp = frame.get(TCP..)?;
    let short = |at: usize| Some(u16::from_be_bytes(tcp.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_be_bytes(tcp.get(at..at + 4)?.try_into().ok()?));
    (short(2)? == port).then_some(())?;
    let options = tcp.get(20..usize::from(tcp.get(12)? >> 4) * 4)?;
    let time = options.windows(6).find(|window| window[..2] == [8, 10]);
    Some(Heard {
        seq: long(4)?,
        ack: long(8)?,
        flags: *tcp.get(13)?,
        port: short(0)?,
        time: time.map(|window| u32::from_be_bytes([window[2], window[3], window[4], window[5]])),
    })
}
