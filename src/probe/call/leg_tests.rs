//! What one participant counts of whatever datagrams come.

use proptest::prelude::*;

use super::*;

const MARK: Mark = *b"a mark of theirs";

const KINDS: [Kind; 3] = [Kind::Warm, Kind::Sealed, Kind::Plain];

fn keys() -> Keys {
    Keys::derive(Profile::Aes128Gcm, &[3; 16], &[5; 12]).unwrap()
}

fn heard(datagram: &[u8]) -> Heard {
    let mut heard = Heard::default();
    heard.take(datagram, Some(&keys()), &MARK);
    heard
}

/// An RTP packet with these bytes in it.
fn packet(payload: &[u8]) -> Vec<u8> {
    [&[0x80, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3][..], payload].concat()
}

proptest! {
    #[test]
    fn nothing_is_heard_in_bytes_without_the_mark(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let heard = heard(&bytes);
        prop_assert!(heard.clear.is_empty() && heard.opened.is_empty());
    }

    #[test]
    fn a_mark_is_found_wherever_it_stands_and_never_past_the_end(
        before in proptest::collection::vec(any::<u8>(), 0..40),
        after in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let found = marked(&[&before[..], &MARK, &after].concat(), &MARK);
        let expected = match after.as_slice() {
            [letter, high, low, ..] => Kind::of(*letter).map(|kind| (kind, u16::from_be_bytes([*high, *low]))),
            _ => None,
        };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn sealed_and_readable_packets_are_told_apart(
        kind in 0..KINDS.len(),
        number in any::<u16>(),
        before in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let found = (KINDS[kind], number);
        let payload = [&before[..], &MARK, &[KINDS[kind] as u8], &number.to_be_bytes()].concat();
        let clear = heard(&packet(&payload));
        prop_assert!(clear.clear.contains(&found) && clear.opened.is_empty());
        let sealed = heard(&keys().seal(&packet(&payload)).unwrap());
        prop_assert!(sealed.opened.contains(&found) && sealed.clear.is_empty());
    }
}
