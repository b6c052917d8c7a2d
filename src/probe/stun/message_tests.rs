//! Messages against the vectors of RFC 5769, and whatever bytes chance brings.

use proptest::prelude::*;

use super::*;

/// RFC 5769 2.4: a request with long-term authentication, whose key and proof are given there.
const SIGNED: &[u8] = &[
    0x00, 0x01, 0x00, 0x60, 0x21, 0x12, 0xa4, 0x42, 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29, 0xda, 0x41,
    0x2e, 0x00, 0x06, 0x00, 0x12, 0xe3, 0x83, 0x9e, 0xe3, 0x83, 0x88, 0xe3, 0x83, 0xaa, 0xe3, 0x83, 0x83, 0xe3, 0x82,
    0xaf, 0xe3, 0x82, 0xb9, 0x00, 0x00, 0x00, 0x15, 0x00, 0x1c, 0x66, 0x2f, 0x2f, 0x34, 0x39, 0x39, 0x6b, 0x39, 0x35,
    0x34, 0x64, 0x36, 0x4f, 0x4c, 0x33, 0x34, 0x6f, 0x4c, 0x39, 0x46, 0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73, 0x41,
    0x00, 0x14, 0x00, 0x0b, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x08, 0x00,
    0x14, 0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6, 0x4a, 0x3e, 0x02, 0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2, 0x8c, 0xa8,
    0x96, 0x66,
];

#[test]
fn a_signed_request_is_the_one_of_the_standard() {
    let read = Message::read(SIGNED).unwrap();
    let (user, realm) = (read.text(Kind::Username).unwrap(), read.text(Kind::Realm).unwrap());
    let key = crate::probe::turn::credential::long_term_key(&user, &realm, "TheMatrIX");
    let draft = Draft::new(Method::Binding, Class::Request, read.transaction)
        .with(Kind::Username, user.as_bytes())
        .with(Kind::Nonce, read.attribute(Kind::Nonce).unwrap())
        .with(Kind::Realm, realm.as_bytes());
    assert_eq!(draft.signed(&key).bytes(), SIGNED);
    assert!(read.is_signed_with(&key) && !read.is_signed_with(b"TheMatrIX"));
}

/// RFC 5769 2.1: a check of ICE with a short-term password, byte for byte.
const CHECK: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74\
    002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020\
    000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";

#[test]
fn the_check_of_the_standard_is_read_and_its_proofs_hold() {
    let digits = CHECK.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes: Vec<u8> = digits.map(byte).collect();
    let read = Message::read(&bytes).unwrap();
    assert!(read.is(Method::Binding, Class::Request));
    assert_eq!(read.text(Kind::Username).as_deref(), Some("evtj:h6vY"));
    assert!(read.is_signed_with(b"VOkJxbRl1RmTxUk/WvJxBt"));
    assert!(!read.is_signed_with(b"VOkJxbRl1RmTxUk/WvJxBT"));
    let check = crc32fast::hash(&bytes[..bytes.len() - FINGERPRINT]) ^ 0x5354_554e;
    assert_eq!(read.number_of(Kind::Fingerprint), Some(check));
}

#[test]
fn addresses_of_both_families_come_back_as_they_went() {
    for address in ["192.0.2.1:32853", "[2001:db8:1234:5678:11:2233:4455:6677]:32853"] {
        let address: SocketAddr = address.parse().unwrap();
        let bytes = Draft::new(Method::Send, Class::Indication, [7; 12])
            .with_address(Kind::XorPeerAddress, address)
            .bytes();
        let read = Message::read(&bytes).unwrap();
        assert!(read.is(Method::Send, Class::Indication));
        assert_eq!(read.address(Kind::XorPeerAddress), Some(address));
    }
}

#[test]
fn an_error_names_its_code_and_words() {
    let bytes = Draft::new(Method::Allocate, Class::Error, [1; 12])
        .with(Kind::ErrorCode, b"\0\0\x04\x01Unauthorized")
        .bytes();
    let read = Message::read(&bytes).unwrap();
    assert_eq!(read.error(), Some((401, "Unauthorized".to_owned())));
}

#[test]
fn lying_lengths_are_malformed() {
    let good = Draft::new(Method::Binding, Class::Success, [1; 12])
        .with(Kind::Software, b"x")
        .bytes();
    assert!(Message::read(&good).is_ok());
    let mut longer = good.clone();
    longer[3] = 0xfc;
    assert!(matches!(Message::read(&longer), Err(Malformed::Length { .. })));
    let mut beyond = good.clone();
    beyond[23] = 9;
    assert_eq!(Message::read(&beyond), Err(Malformed::Attribute(0x8022)));
    assert_eq!(Message::read(&good[..19]), Err(Malformed::NotStun));
    let mut head: [u8; HEADER] = good[..HEADER].try_into().unwrap();
    head[2] = 0xff;
    assert!(Message::length(&head).is_err(), "a stream's message is bounded");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Message::read(&bytes);
    }

    #[test]
    fn no_attributes_make_the_reader_panic(
        number in 0u16..0x4000,
        transaction in any::<[u8; 12]>(),
        parts in proptest::collection::vec((prop_oneof![
            Just(0x0008u16), Just(0x0009), Just(0x000d), Just(0x0012), Just(0x0014), Just(0x0016), Just(0x8022), any::<u16>(),
        ], any::<u16>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..8),
        honest in any::<bool>(),
    ) {
        let mut body = Vec::new();
        for (kind, lie, value) in &parts {
            let length = if honest { value.len() as u16 } else { *lie % 64 };
            body.extend(kind.to_be_bytes());
            body.extend(length.to_be_bytes());
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend(COOKIE);
        bytes.extend(transaction);
        bytes.extend(&body);
        if let Ok(read) = Message::read(&bytes) {
            let _ = (read.error(), read.text(Kind::Software), read.number_of(Kind::Lifetime));
            let _ = (read.address(Kind::XorPeerAddress), read.address(Kind::XorRelayedAddress));
            let _ = (read.text(Kind::Realm), read.attribute(Kind::Nonce), read.is_signed_with(b"x"));
        }
        let _ = Message::length(bytes[..HEADER].try_into().unwrap());
    }

    #[test]
    fn what_is_built_is_read_back(value in proptest::collection::vec(any::<u8>(), 0..200), key in any::<[u8; 16]>()) {
        let bytes = Draft::new(Method::Send, Class::Indication, [3; 12]).with(Kind::Data, &value).signed(&key).fingerprinted().bytes();
        let read = Message::read(&bytes).unwrap();
        prop_assert_eq!(read.attribute(Kind::Data), Some(value.as_slice()));
        prop_assert!(read.is_signed_with(&key));
        prop_assert!(!read.is_signed_with(b"another"));
    }
}
