//! SRTP (RFC 3711, RFC 7714): keys for one direction, packets sealed and opened. Knows RTP's header and nothing of media.
//! Counters never roll over here: a call sends some hundred packets from a low sequence number.

use openssl::error::ErrorStack;
use openssl::symm;
use openssl::symm::Cipher;
use ring::hmac;

/// What protects media, as DTLS negotiates it (RFC 5764, RFC 7714).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Aes128Gcm,
    Aes256Gcm,
    Aes128CmSha1,
}

/// Bytes of a GCM tag.
const GCM_TAG: usize = 16;
/// Bytes of the SHA-1 tag of the 80 bit profile.
const SHA1_TAG: usize = 10;

impl Profile {
    /// In the order in which they are offered, by OpenSSL's names.
    pub(crate) const OFFERED: &str = "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80";

    /// By OpenSSL's name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "SRTP_AEAD_AES_128_GCM" => Some(Self::Aes128Gcm),
            "SRTP_AEAD_AES_256_GCM" => Some(Self::Aes256Gcm),
            "SRTP_AES128_CM_SHA1_80" => Some(Self::Aes128CmSha1),
            _ => None,
        }
    }

    /// Bytes of a master key.
    pub(crate) fn key_size(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128CmSha1 => 16,
            Self::Aes256Gcm => 32,
        }
    }

    /// Bytes of a master salt.
    pub(crate) fn salt_size(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm => 12,
            Self::Aes128CmSha1 => 14,
        }
    }

    fn counter_mode(self) -> Cipher {
        match self {
            Self::Aes128Gcm | Self::Aes128CmSha1 => Cipher::aes_128_ctr(),
            Self::Aes256Gcm => Cipher::aes_256_ctr(),
        }
    }

    fn gcm(self) -> Cipher {
        match self {
            Self::Aes256Gcm => Cipher::aes_256_gcm(),
            Self::Aes128Gcm | Self::Aes128CmSha1 => Cipher::aes_128_gcm(),
        }
    }
}

/// The session keys of one direction.
pub(crate) struct Keys {
    profile: Profile,
    cipher: Vec<u8>,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Keys {
    /// Derives the session keys (RFC 3711 4.3) from a master key and salt.
    pub(crate) fn derive(profile: Profile, master: &[u8], salt: &[u8]) -> Result<Self, ErrorStack> {
        let derived = |label: u8, size: usize| {
            let mut iv = [0; 16];
            iv[..salt.len()].copy_from_slice(salt);
            iv[7] ^= label;
            symm::encrypt(profile.counter_mode(), master, Some(&iv), &vec![0; size])
        };
        Ok(Self {
            profile,
            cipher: derived(0, profile.key_size())?,
            tag: derived(1, 20)?,
            salt: derived(2, profile.salt_size())?,
        })
    }

    /// An RTP packet, protected.
    pub(crate) fn seal(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let (header, payload) = packet.split_at_checked(header_size(packet)?)?;
        let mut sealed = header.to_vec();
        match self.profile {
            Profile::Aes128Gcm | Profile::Aes256Gcm => {
                let mut tag = [0; GCM_TAG];
                let iv = self.gcm_iv(header);
                let hidden =
                    symm::encrypt_aead(self.profile.gcm(), &self.cipher, Some(&iv), header, payload, &mut tag).ok()?;
                sealed.extend(hidden);
                sealed.extend(tag);
            }
            Profile::Aes128CmSha1 => {
                sealed.extend(self.counter(header, payload)?);
                let tag = self.sha1_tag(&sealed);
                sealed.extend(tag);
            }
        }
        Some(sealed)
    }

    /// The payload of a protected packet; `None` where it does not prove itself.
    pub(crate) fn open(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let size = header_size(packet)?;
        match self.profile {
            Profile::Aes128Gcm | Profile::Aes256Gcm => {
                let (covered, tag) = packet.split_at_checked(packet.len().checked_sub(GCM_TAG)?)?;
                let (header, hidden) = covered.split_at_checked(size)?;
                let iv = self.gcm_iv(header);
                symm::decrypt_aead(self.profile.gcm(), &self.cipher, Some(&iv), header, hidden, tag).ok()
            }
            Profile::Aes128CmSha1 => {
                let (covered, tag) = packet.split_at_checked(packet.len().checked_sub(SHA1_TAG)?)?;
                let (header, hidden) = covered.split_at_checked(size)?;
                if !openssl::memcmp::eq(&self.sha1_tag(covered), tag) {
                    return None;
                }
                self.counter(header, hidden)
            }
        }
    }

    /// RFC 7714 8.1.
    fn gcm_iv(&self, header: &[u8]) -> [u8; 12] {
        let mut iv = [0; 12];
        iv[2..6].copy_from_slice(&header[8..12]);
        iv[10..12].copy_from_slice(&header[2..4]);
        for (byte, salt) in iv.iter_mut().zip(&self.salt) {
            *byte ^= salt;
        }
        iv
    }

    /// RFC 3711 4.1.1; the same both ways.
    fn counter(&self, header: &[u8], payload: &[u8]) -> Option<Vec<u8>> {
        let mut iv = [0; 16];
        iv[4..8].copy_from_slice(&header[8..12]);
        iv[12..14].copy_from_slice(&header[2..4]);
        for (byte, salt) in iv.iter_mut().zip(&self.salt) {
            *byte ^= salt;
        }
        symm::encrypt(self.profile.counter_mode(), &self.cipher, Some(&iv), payload).ok()
    }

    /// RFC 3711 4.2, with a rollover counter of zero.
    fn sha1_tag(&self, covered: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.tag);
        let tag = hmac::sign(&key, &[covered, &[0; 4]].concat());
        tag.as_ref()[..SHA1_TAG].to_vec()
    }
}

/// Bytes of an RTP header with its sources and extension (RFC 3550 5.1).
pub(crate) fn header_size(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    if first >> 6 != 2 {
        return None;
    }
    let mut size = 12 + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(size + 2..size + 4)?;
        size += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    (size <= packet.len()).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pairs = digits.chunks(2);
        pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// RFC 3711 B.3.
    #[test]
    fn keys_are_derived_as_the_standard_shows() {
        let master = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
        let salt = hex("0EC675AD498AFEEBB6960B3AABE6");
        let keys = Keys::derive(Profile::Aes128CmSha1, &master, &salt).unwrap();
        assert_eq!(keys.cipher, hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(keys.salt, hex("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(keys.tag, hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
    }

    /// RFC 7714 16.1.1.
    #[test]
    fn a_packet_is_sealed_as_the_standard_shows() {
        let keys = Keys {
            profile: Profile::Aes128Gcm,
            cipher: hex("000102030405060708090a0b0c0d0e0f"),
            salt: hex("51756964 2070726f 2071756f"),
            tag: Vec::new(),
        };
        let packet = hex(
            "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 \
                          61727465 73207472 6573",
        );
        let sealed = hex(
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a \
                          51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        );
        assert_eq!(keys.seal(&packet), Some(sealed.clone()));
        assert_eq!(keys.open(&sealed).as_deref(), Some(&packet[12..]));
    }

    #[test]
    fn a_packet_comes_back_only_unharmed() {
        for profile in [Profile::Aes128Gcm, Profile::Aes256Gcm, Profile::Aes128CmSha1] {
            let keys = Keys::derive(profile, &vec![3; profile.key_size()], &vec![5; profile.salt_size()]).unwrap();
            let packet = [&[0x80, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3][..], b"hello"].concat();
            let mut sealed = keys.seal(&packet).unwrap();
            assert!(!sealed.windows(5).any(|part| part == b"hello"));
            assert_eq!(keys.open(&sealed).as_deref(), Some(&b"hello"[..]));
            sealed[13] ^= 1;
            assert_eq!(keys.open(&sealed), None);
            assert_eq!(keys.open(&packet), None);
        }
    }

    proptest! {
        #[test]
        fn any_datagram_is_opened_without_a_crash(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            for profile in [Profile::Aes128Gcm, Profile::Aes128CmSha1] {
                let keys = Keys::derive(profile, &[3; 16], &vec![5; profile.salt_size()]).unwrap();
                prop_assert_eq!(keys.open(&bytes), None);
            }
        }
    }
}
