//! Where the frames of a WebSocket end (RFC 6455 §5.2), so that one can be put behind them.

/// The longest head of a frame: two bytes, eight of a length, four of a mask.
const LONGEST_HEAD: usize = 14;

/// How far a stream of frames has come.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; LONGEST_HEAD],
    /// How many bytes of the head have come.
    head_read: usize,
    /// How many bytes of the payload are still to come.
    payload_left: u64,
    has_closed: bool,
}

impl Frames {
    /// Whether the stream stands between two frames.
    pub(super) const fn is_between(&self) -> bool {
        self.head_read == 0 && self.payload_left == 0
    }

    /// Whether a close frame has begun: nothing may follow it.
    pub(super) const fn has_closed(&self) -> bool {
        self.has_closed
    }

    /// These bytes have been sent.
    pub(super) fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = &bytes[self.step(bytes)..];
        }
    }

    /// How many of these bytes belong to the frame that has begun.
    pub(super) fn rest_of_frame(&self, bytes: &[u8]) -> usize {
        let mut ahead = Self { head: self.head, ..*self };
        let mut taken = 0;
        while taken < bytes.len() && !ahead.is_between() {
            taken += ahead.step(&bytes[taken..]);
        }
        taken
    }

    /// Takes in a byte of a head, or as much of a payload as there is; at least one byte.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if self.payload_left > 0 {
            let available = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let taken = self.payload_left.min(available);
            self.payload_left -= taken;
            return usize::try_from(taken).unwrap_or(bytes.len());
        }
        self.head[self.head_read] = bytes[0];
        self.head_read += 1;
        if let Some(payload) = self.payload() {
            self.has_closed |= self.head[0] & 0x0f == 0x8;
            self.payload_left = payload;
            self.head_read = 0;
        }
        1
    }

    /// The length of the payload, once the head is whole.
    fn payload(&self) -> Option<u64> {
        let read = self.head.get(..self.head_read)?;
        let second = *read.get(1)?;
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        let (length, size) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*read.get(2..)?.first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*read.get(2..)?.first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        (read.len() == size + mask).then_some(length)
    }
}

/// A close frame of a server: the code, and a sentence for whoever debugs (RFC 6455 §5.5.1).
pub(super) fn close(code: u16, reason: &str) -> Vec<u8> {
    // A control frame has at most 125 bytes.
    let reason = &reason.as_bytes()[..reason.len().min(123)];
    let length = u8::try_from(reason.len() + 2).unwrap_or(125);
    [&[0x88, length][..], &code.to_be_bytes(), reason].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with a payload of so many bytes.
    fn frame(opcode: u8, payload: usize, is_masked: bool) -> Vec<u8> {
        let mask = if is_masked { 0x80 } else { 0 };
        let mut frame = vec![0x80 | opcode];
        match payload {
            0..=125 => frame.push(mask | u8::try_from(payload).expect("short")),
            126..=0xffff => {
                frame.push(mask | 0x7e);
                frame.extend(u16::try_from(payload).expect("medium").to_be_bytes());
            }
            _ => {
                frame.push(mask | 0x7f);
                frame.extend(u64::try_from(payload).expect("a length").to_be_bytes());
            }
        }
        frame.extend(vec![0xff; payload + if is_masked { 4 } else { 0 }]);
        frame
    }

    #[test]
    fn frames_end_where_they_end_however_they_are_cut() {
        let sizes = [0, 1, 125, 126, 65_535, 65_536];
        for (first, is_masked) in sizes.into_iter().flat_map(|size| [(size, false), (size, true)]) {
            // A mask that looks like a length must not be taken for payload.
            let bytes = [frame(1, first, is_masked), frame(2, 3, false)].concat();
            let end = bytes.len() - 5;
            for cut in [1, 2, 3, 7, bytes.len()] {
                let mut frames = Frames::default();
                let mut ends = Vec::new();
                for (at, piece) in bytes.chunks(cut).enumerate() {
                    frames.advance(piece);
                    if frames.is_between() {
                        ends.push((at * cut + piece.len()).min(bytes.len()));
                    }
                }
                assert_eq!(ends.last(), Some(&bytes.len()), "{first} {is_masked} {cut}");
                assert!(
                    cut > 1 || is_masked && first > 0 || ends.contains(&end),
                    "{first} {is_masked} {cut}"
                );
            }
        }
    }

    #[test]
    fn what_is_left_of_a_frame_is_known() {
        let bytes = [frame(1, 10, false), frame(1, 5, false)].concat();
        let mut frames = Frames::default();
        assert_eq!(frames.rest_of_frame(&bytes), 0, "none has begun");
        frames.advance(&bytes[..4]);
        assert_eq!(frames.rest_of_frame(&bytes[4..]), 8);
        assert_eq!(frames.rest_of_frame(&bytes[4..6]), 2);
        frames.advance(&bytes[4..12]);
        assert!(frames.is_between() && frames.rest_of_frame(&bytes[12..]) == 0);
        frames.advance(&bytes[12..13]);
        assert_eq!(frames.rest_of_frame(&bytes[13..]), 6);
    }

    #[test]
    fn a_close_frame_is_seen_and_written() {
        let mut frames = Frames::default();
        frames.advance(&frame(1, 8, false));
        assert!(!frames.has_closed());
        frames.advance(&close(1008, "over"));
        assert!(frames.has_closed() && frames.is_between());
        assert_eq!(close(1008, "ab"), [0x88, 4, 0x03, 0xf0, b'a', b'b']);
        assert_eq!(close(1000, &"x".repeat(500)).len(), 127);
    }
}
