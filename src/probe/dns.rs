//! One question to this computer's DNS servers (RFC 1035), for what the system's resolver does not tell: whether a name
//! does not exist or nobody answered, and the names of an address. Reads /etc/resolv.conf; knows no cache and no TCP.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::probe::reach;

/// Wait for one server.
const PATIENCE: Duration = Duration::from_secs(2);
/// glibc's limit of servers (resolv.conf(5), MAXNS).
const SERVERS: usize = 3;
/// Longest name (RFC 1035 2.3.4).
const NAME: usize = 255;
/// Most aliases on the way to an answer.
const ALIASES: usize = 16;
/// RFC 1035 3.2.2.
const CNAME: u16 = 5;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    A,
    Aaaa,
    Ptr,
}

impl Kind {
    fn code(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
            Self::Ptr => 12,
        }
    }
}

/// An answer's records of the kind that was asked for; none where the name or the kind does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    Address(IpAddr),
    Name(String),
}

/// Asks each server of /etc/resolv.conf in turn until one answers.
pub(crate) async fn ask(name: &str, kind: Kind) -> Result<Vec<Record>, String> {
    let conf = std::fs::read_to_string("/etc/resolv.conf");
    let conf = conf.map_err(|error| format!("/etc/resolv.conf: {error}"))?;
    let mut why = "/etc/resolv.conf names no server".to_owned();
    for server in servers(&conf) {
        match ask_at(SocketAddr::new(server, 53), name, kind).await {
            Ok(records) => return Ok(records),
            Err(error) => why = format!("{server}: {error}"),
        }
    }
    Err(why)
}

fn servers(conf: &str) -> Vec<IpAddr> {
    let address = |line: &str| line.strip_prefix("nameserver")?.trim().split('%').next()?.parse().ok();
    conf.lines().filter_map(address).take(SERVERS).collect()
}

async fn ask_at(server: SocketAddr, name: &str, kind: Kind) -> Result<Vec<Record>, String> {
    let words = |error: std::io::Error| error.to_string();
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(|error| error.to_string())?;
    let socket = reach::udp(server).await.map_err(words)?;
    socket.send(&question(id, name, kind)).await.map_err(words)?;
    let mut buffer = [0; 1500];
    let deadline = Instant::now() + PATIENCE;
    loop {
        let length = match timeout_at(deadline, socket.recv(&mut buffer)).await {
            Err(_) => return Err("no answer in time".to_owned()),
            Ok(received) => received.map_err(words)?,
        };
        // Somebody else's datagram, or a late one.
        if length >= 2 && buffer.get(..2) == Some(&id) {
            return read(&buffer[..length], name, kind);
        }
    }
}

/// A query with recursion desired.
fn question(id: [u8; 2], name: &str, kind: Kind) -> Vec<u8> {
    let mut message = Vec::from(id);
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        // Labels of a valid domain have at most 63 bytes.
        message.push(u8::try_from(label.len()).unwrap_or(0));
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(kind.code().to_be_bytes());
    message.extend([0, 1]);
    message
}

/// The name that an address is looked up under.
pub(crate) fn reverse_name(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().flat_map(|byte| [byte >> 4, byte & 15]).rev();
            let labels: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa", labels.join("."))
        }
    }
}

/// The records of an answer to the question for `asked`. Records of other names are left out, but for those that its
/// aliases lead to.
fn read(message: &[u8], asked: &str, kind: Kind) -> Result<Vec<Record>, String> {
    let cut = || "an answer that is cut".to_owned();
    let number = |at: usize| Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]));
    let flags = number(2).ok_or_else(cut)?;
    match (flags >> 15, flags & 0x0200 != 0, flags & 15) {
        (0, _, _) => return Err("a question in place of an answer".to_owned()),
        (_, true, _) => return Err("an answer too long for UDP".to_owned()),
        (_, _, 0) => {}
        // No such name (RFC 1035 4.1.1).
        (_, _, 3) => return Ok(Vec::new()),
        (_, _, code) => return Err(format!("it answered with error {code}")),
    }
    let (questions, answers) = (number(4).ok_or_else(cut)?, number(6).ok_or_else(cut)?);
    let mut at = 12;
    for _ in 0..questions {
        at = name(message, at).ok_or_else(cut)?.1 + 4;
    }
    let mut records = Vec::new();
    let mut names = vec![asked.trim_end_matches('.').to_owned()];
    for _ in 0..answers {
        let (owner, behind) = name(message, at).ok_or_else(cut)?;
        at = behind;
        let (code, length) = (number(at).ok_or_else(cut)?, number(at + 8).ok_or_else(cut)?);
        let data = at + 10;
        at = data + usize::from(length);
        let bytes = message.get(data..at).ok_or_else(cut)?;
        let ours = names.iter().any(|known| known.eq_ignore_ascii_case(&owner));
        if ours && code == CNAME {
            // An alias on the way to the answer.
            names.push(name(message, data).ok_or_else(cut)?.0);
            if names.len() > ALIASES {
                return Err("an answer of aliases without end".to_owned());
            }
        }
        if !ours || code != kind.code() {
            continue;
        }
        records.push(match kind {
            Kind::A => Record::Address(<[u8; 4]>::try_from(bytes).map_err(|_| cut())?.into()),
            Kind::Aaaa => Record::Address(<[u8; 16]>::try_from(bytes).map_err(|_| cut())?.into()),
            Kind::Ptr => Record::Name(name(message, data).ok_or_else(cut)?.0),
        });
    }
    Ok(records)
}

/// The name at an offset and the offset behind it; pointers (RFC 1035 4.1.4) lead back only, so that none loops.
fn name(message: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels: Vec<String> = Vec::new();
    let mut behind = None;
    let mut limit = at;
    let mut whole = 0;
    loop {
        let length = usize::from(*message.get(at)?);
        if length == 0 {
            return Some((labels.join("."), behind.unwrap_or(at + 1)));
        }
        if length & 0xc0 == 0xc0 {
            let target = (length & 0x3f) << 8 | usize::from(*message.get(at + 1)?);
            behind = behind.or(Some(at + 2));
            if target >= limit {
                return None;
            }
            (at, limit) = (target, target);
        } else {
            let label = message.get(at + 1..at + 1 + length)?;
            whole += 1 + length;
            if length > 63 || whole > NAME {
                return None;
            }
            labels.push(label.iter().map(|byte| printable(*byte)).collect());
            at += 1 + length;
        }
    }
}

/// A server may put any bytes into a name, and this one reaches reports.
fn printable(byte: u8) -> char {
    let letter = char::from(byte);
    if letter.is_ascii_graphic() { letter } else { '?' }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::UdpSocket;

    use super::*;

    /// Answers as servers send them: header, question, records with compressed names.
    fn answer(flags: [u8; 2], name: &str, kind: Kind, records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut message = question([7, 7], name, kind);
        message[2..4].copy_from_slice(&flags);
        message[7] = u8::try_from(records.len()).unwrap();
        for (code, data) in records {
            message.extend([0xc0, 12]);
            message.extend(code.to_be_bytes());
            message.extend([0, 1, 0, 0, 0, 60]);
            message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            message.extend(*data);
        }
        message
    }

    #[test]
    fn addresses_come_through_aliases_and_a_missing_name_has_none() {
        let alias = [3, b'w', b'w', b'w', 0xc0, 12];
        let found = answer(
            [0x81, 0x80],
            "a.example",
            Kind::A,
            &[(5, &alias), (1, &[192, 0, 2, 10])],
        );
        assert_eq!(
            read(&found, "a.example", Kind::A),
            Ok(vec![Record::Address(Ipv4Addr::new(192, 0, 2, 10).into())])
        );
        let missing = answer([0x81, 0x83], "a.example", Kind::Aaaa, &[]);
        assert_eq!(read(&missing, "a.example", Kind::Aaaa), Ok(Vec::new()));
        let none = answer([0x81, 0x80], "a.example", Kind::Aaaa, &[]);
        assert_eq!(read(&none, "a.example", Kind::Aaaa), Ok(Vec::new()));
    }

    #[test]
    fn the_name_of_an_address_is_read_and_made_harmless() {
        let asked = reverse_name(Ipv4Addr::new(192, 0, 2, 10).into());
        assert_eq!(asked, "10.2.0.192.in-addr.arpa");
        let data = [4, b'h', 0x1b, b's', b't', 0xc0, 12];
        let found = answer([0x81, 0x80], &asked, Kind::Ptr, &[(12, &data)]);
        let name = Record::Name(format!("h?st.{asked}"));
        assert_eq!(read(&found, &asked, Kind::Ptr), Ok(vec![name]));
        let v6 = reverse_name("2001:db8::1".parse().unwrap());
        assert!(
            v6.starts_with("1.0.0.0.") && v6.ends_with(".8.b.d.0.1.0.0.2.ip6.arpa"),
            "{v6}"
        );
    }

    #[test]
    fn failures_cuts_and_loops_are_errors_and_never_an_empty_answer() {
        assert!(read(&answer([0x81, 0x82], "a.example", Kind::A, &[]), "a.example", Kind::A).is_err());
        assert!(read(&answer([0x83, 0x80], "a.example", Kind::A, &[]), "a.example", Kind::A).is_err());
        let whole = answer([0x81, 0x80], "a.example", Kind::A, &[(1, &[192, 0, 2, 10])]);
        for length in 0..whole.len() {
            assert!(read(&whole[..length], "a.example", Kind::A).is_err(), "{length}");
        }
        // A name that points at itself.
        let looped = answer([0x81, 0x80], "a.example", Kind::Ptr, &[(12, &[0xc0, 39])]);
        assert!(read(&looped, "a.example", Kind::Ptr).is_err());
    }

    #[test]
    fn an_address_of_another_name_is_no_answer_and_aliases_end() {
        let mut strange = question([7, 7], "a.example", Kind::A);
        strange[2..4].copy_from_slice(&[0x81, 0x80]);
        strange[7] = 1;
        strange.extend([1, b'b', 0xc0, 14, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 66]);
        assert_eq!(read(&strange, "a.example", Kind::A), Ok(Vec::new()));
        // Every alias is of the name that was asked for, and leads back to it.
        let alias: (u16, &[u8]) = (CNAME, &[0xc0, 12]);
        let endless = answer([0x81, 0x80], "a.example", Kind::A, &[alias; 40]);
        let why = read(&endless, "a.example", Kind::A).unwrap_err();
        assert!(why.contains("without end"), "{why}");
    }

    #[test]
    fn a_name_that_grows_by_pointers_stays_within_the_longest() {
        // Each pointer leads to the label before it, so that the name would be all of them.
        let mut message = vec![0; 12];
        let mut last = None;
        for _ in 0..20 {
            let here = message.len();
            message.push(63);
            message.extend([b'x'; 63]);
            match last {
                None => message.push(0),
                Some(at) => message.extend(u16::to_be_bytes(0xc000 | at)),
            }
            last = Some(u16::try_from(here).unwrap());
        }
        assert_eq!(name(&message, usize::from(last.unwrap())), None);
        assert!(name(&message, 12).is_some());
    }

    /// A server on the loopback that answers every question by these datagrams.
    async fn ask_one_who_says(answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Result<Vec<Record>, String> {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut buffer = [0; 512];
            let (length, from) = server.recv_from(&mut buffer).await.unwrap();
            for answer in answers(&buffer[..length]) {
                let _ = server.send_to(&answer, from).await;
            }
        });
        let found = ask_at(address, "a.example", Kind::A).await;
        task.abort();
        found
    }

    #[tokio::test]
    async fn a_server_that_lies_is_an_error_within_the_time() {
        let begun = Instant::now();
        // Sixty-five thousand records in a message that has none.
        let lying = |asked: &[u8]| {
            let mut message = asked.to_vec();
            message[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0xff, 0xff]);
            vec![message]
        };
        assert!(ask_one_who_says(lying).await.is_err());
        let chatty = |_: &[u8]| vec![vec![0; 2]; 2000];
        assert_eq!(ask_one_who_says(chatty).await, Err("no answer in time".to_owned()));
        let silent = |_: &[u8]| Vec::new();
        assert!(ask_one_who_says(silent).await.is_err());
        let truncated = |asked: &[u8]| vec![asked[..2].to_vec()];
        assert!(ask_one_who_says(truncated).await.is_err());
        assert!(begun.elapsed() < 3 * PATIENCE, "{:?}", begun.elapsed());
    }

    proptest::proptest! {
        #[test]
        fn no_message_makes_the_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
            for kind in [Kind::A, Kind::Aaaa, Kind::Ptr] {
                let _ = read(&bytes, "a.example", kind);
            }
        }

        #[test]
        fn no_answer_section_makes_the_reader_panic(tail in proptest::collection::vec(proptest::num::u8::ANY, 0..300), count in 0_u8..40) {
            let mut message = answer([0x81, 0x80], "a.example", Kind::Ptr, &[]);
            message[7] = count;
            message.extend(tail);
            let _ = read(&message, "a.example", Kind::Ptr);
        }

        #[test]
        fn no_resolver_configuration_makes_the_reader_panic(text in "(nameserver |[0-9.:%a-f]|\\PC|\n){0,60}") {
            let _ = servers(&text);
        }
    }

    #[test]
    fn servers_are_read_as_glibc_reads_them() {
        let conf = "# x\nnameserver 10.0.0.1\nsearch a\nnameserver fe80::1%eth0\nnameserver x\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n";
        let found: Vec<String> = servers(conf).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.0.1", "fe80::1", "10.0.0.2"]);
    }
}
