//! Asks the UDP services that servers are known to leave open, each in its own protocol. An answer proves that something is
//! there; silence proves nothing by itself, since a firewall that drops and a service that is picky look the same.

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::sighting::Sighting;
use super::sighting::Vantage;
use super::stun::UdpAnswer;

/// Each request is sent this often, since UDP may lose it.
const TRIES: u32 = 3;

/// Wait for an answer to each try.
const PATIENCE: Duration = Duration::from_millis(700);

/// A service and what it is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its port.
    pub(crate) port: u16,
    /// The request: harmless, and one that every server of the kind answers.
    request: &'static [u8],
    /// Where the answer comes from.
    answers: Source,
}

/// The port that a service answers from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The one that was asked.
    ItsPort,
    /// Any (RFC 1350 4).
    AnyPort,
}

/// What is asked for, port by port.
pub(crate) const SERVICES: &[Service] = &[
    Service {
        name: "DNS",
        port: 53,
        // RFC 1035: the name servers of the root.
        request: b"\x41\x52\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01",
        answers: Source::ItsPort,
    },
    Service {
        name: "TFTP",
        port: 69,
        // RFC 1350: a file that nobody has; the answer is an error.
        request: b"\x00\x01anteroom-probe\x00octet\x00",
        answers: Source::AnyPort,
    },
    Service {
        name: "portmapper",
        port: 111,
        // RFC 5531, RFC 1833: the call that does nothing.
        request: b"\x41\x52\x4d\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa0\x00\x00\x00\x02\x00\x00\x00\x00\
                   \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        answers: Source::ItsPort,
    },
    Service {
        name: "NTP",
        port: 123,
        // RFC 5905: a client's question, version 4.
        request: &NTP,
        answers: Source::ItsPort,
    },
    Service {
        name: "NetBIOS names",
        port: 137,
        // RFC 1002 4.2.17: the node status of `*`.
        request:
            b"\x41\x52\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\x00\x00\x21\x00\x01",
        answers: Source::ItsPort,
    },
    Service {
        name: "SNMP",
        port: 161,
        // RFC 3414 4: version 3 discovery, which every agent answers, whatever its communities.
        request:
            b"\x30\x3a\x02\x01\x03\x30\x0f\x02\x02\x4a\x69\x02\x03\x00\xff\xe3\x04\x01\x04\x02\x01\x03\x04\x10\x30\x0e\
                   \x04\x00\x02\x01\x00\x02\x01\x00\x04\x00\x04\x00\x04\x00\x30\x12\x04\x00\x04\x00\xa0\x0c\x02\x02\
                   \x37\xf0\x02\x01\x00\x02\x01\x00\x30\x00",
        answers: Source::ItsPort,
    },
    Service {
        name: "SNMP (community public)",
        port: 161,
        // RFC 1905: version 2c, sysDescr.0.
        request:
            b"\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x41\x52\x4d\x01\x02\x01\x00\x02\x01\x00\x30\x0e\x30\
                   \x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00",
        answers: Source::ItsPort,
    },
    Service {
        name: "HTTP/3",
        port: 443,
        // RFC 8999 6: a version that nobody speaks; the answer names those that the server does.
        request: &QUIC,
        answers: Source::ItsPort,
    },
    Service {
        name: "SSDP",
        port: 1900,
        request: b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n\
                   ST: ssdp:all\r\n\r\n",
        answers: Source::AnyPort,
    },
    Service {
        name: "SIP",
        port: 5060,
        request: b"OPTIONS sip:probe@localhost SIP/2.0\r\nVia: SIP/2.0/UDP localhost;branch=z9hG4bKanteroom;rport\r\n\
                   Max-Forwards: 0\r\nFrom: <sip:probe@localhost>;tag=1\r\nTo: <sip:probe@localhost>\r\n\
                   Call-ID: anteroom-probe\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        answers: Source::ItsPort,
    },
    Service {
        name: "DTLS",
        port: 3478,
        request: &DTLS,
        answers: Source::ItsPort,
    },
    Service {
        name: "DTLS",
        port: 5349,
        request: &DTLS,
        answers: Source::ItsPort,
    },
    Service {
        name: "mDNS",
        port: 5353,
        // RFC 6762 5.4, RFC 6763 9: which services there are, answered to us alone.
        request: b"\x41\x52\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09_services\x07_dns-sd\x04_udp\x05local\x00\
                   \x00\x0c\x80\x01",
        answers: Source::ItsPort,
    },
    Service {
        name: "memcached",
        port: 11_211,
        request: b"\x41\x52\x00\x00\x00\x01\x00\x00version\r\n",
        answers: Source::ItsPort,
    },
];

const NTP: [u8; 48] = {
    let mut request = [0; 48];
    request[0] = 0x23;
    // A time of sending, which some servers insist on.
    request[40] = 0xee;
    request
};

const QUIC: [u8; 1200] = {
    let mut request = [0; 1200];
    request[0] = 0xc0;
    // A version of the pattern that is reserved for this (RFC 9000 15).
    request[1] = 0x1a;
    request[2] = 0x2a;
    request[3] = 0x3a;
    request[4] = 0x4a;
    // The lengths of the two connections' names, which are zeroes.
    request[5] = 8;
    request[14] = 8;
    request
};

/// A ClientHello of DTLS 1.2 (RFC 6347) with usual suites and no cookie: TURN over DTLS answers by one, or by its hello.
const DTLS: [u8; 111] = *b"\x16\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x62\
    \x01\x00\x00\x56\x00\x00\x00\x00\x00\x00\x00\x56\
    \xfe\xfdanteroom-probe-anteroom-probe-12\x00\x00\
    \x00\x0e\xc0\x2b\xc0\x2f\xc0\x0a\xc0\x14\x00\x9c\x00\x2f\x00\xff\
    \x01\x00\x00\x1e\
    \x00\x0a\x00\x06\x00\x04\x00\x1d\x00\x17\
    \x00\x0b\x00\x02\x01\x00\
    \x00\x0d\x00\x0a\x00\x08\x04\x03\x08\x04\x04\x01\x05\x03";

/// Asks every service at `ip`, all at once.
pub(crate) async fn look(ip: IpAddr, name: &str) -> Vec<Sighting<UdpAnswer>> {
    join_all(SERVICES.iter().map(|service| one(service, ip, service.port, name))).await
}

async fn one(service: &Service, ip: IpAddr, port: u16, name: &str) -> Sighting<UdpAnswer> {
    let to = SocketAddr::new(ip, port);
    let vantage = Vantage::now(format!("udp://{name}:{port} {}", service.name), Some(to));
    let outcome = ask(service, to).await;
    let line = match &outcome {
        Ok(answer) => format!(">> {} request, up to {TRIES} times; << {answer:?}", service.name),
        Err(error) => format!(">> {} request; << {error}", service.name),
    };
    let result = outcome.map_err(|error| format!("this computer could not ask {to}: {error}"));
    vantage.saw(vec![line], result.into())
}

async fn ask(service: &Service, to: SocketAddr) -> io::Result<UdpAnswer> {
    let any: IpAddr = match to.ip() {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    if service.answers == Source::ItsPort {
        // A connected socket also hears that nothing listens.
        socket.connect(to).await?;
    }
    let mut buffer = [0; 1500];
    for _ in 0..TRIES {
        let sent = match service.answers {
            Source::ItsPort => socket.send(service.request).await,
            Source::AnyPort => socket.send_to(service.request, to).await,
        };
        match sent {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(UdpAnswer::Closed),
            sent => sent?,
        };
        match timeout(PATIENCE, heard(&socket, to.ip(), &mut buffer)).await {
            Ok(Ok(length)) => return Ok(UdpAnswer::Other { length }),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(UdpAnswer::Closed),
            Ok(Err(error)) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(UdpAnswer::Silent)
}

/// The length of the next datagram from `ip`.
async fn heard(socket: &UdpSocket, ip: IpAddr, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let (length, from) = socket.recv_from(buffer).await?;
        if from.ip() == ip {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::Seen;

    fn service(name: &str) -> &'static Service {
        SERVICES.iter().find(|service| service.name == name).unwrap()
    }

    #[test]
    fn requests_with_lengths_in_them_are_as_long_as_they_say() {
        for name in ["SNMP", "SNMP (community public)"] {
            let request = service(name).request;
            assert_eq!(usize::from(request[1]) + 2, request.len(), "{name}");
        }
        let dtls = service("DTLS").request;
        let number = |at: usize| usize::from(u16::from_be_bytes([dtls[at], dtls[at + 1]]));
        assert_eq!(
            (number(11) + 13, number(15) + 25, number(23) + 25),
            (dtls.len(), dtls.len(), dtls.len())
        );
        assert_eq!(number(79) + 81, dtls.len(), "the extensions are the rest");
        assert_eq!(service("portmapper").request.len(), 40);
        assert_eq!(service("NetBIOS names").request.len(), 50);
    }

    #[tokio::test]
    async fn an_answer_from_the_port_or_from_another_one_is_an_answer() {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        for name in ["DNS", "TFTP"] {
            let server = UdpSocket::bind((loopback, 0)).await.unwrap();
            let port = server.local_addr().unwrap().port();
            let service = service(name);
            let answering = tokio::spawn(async move {
                let mut buffer = [0; 1500];
                let (_, from) = server.recv_from(&mut buffer).await.unwrap();
                if service.answers == Source::AnyPort {
                    let other = UdpSocket::bind((loopback, 0)).await.unwrap();
                    other.send_to(b"answer", from).await.unwrap();
                } else {
                    server.send_to(b"answer", from).await.unwrap();
                }
                server
            });
            let seen = one(service, loopback, port, "a.example").await;
            assert_eq!(seen.result, Seen::Known(UdpAnswer::Other { length: 6 }), "{name}");
            answering.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_port_where_nothing_listens_is_closed() {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        let unused = UdpSocket::bind((loopback, 0)).await.unwrap();
        let port = unused.local_addr().unwrap().port();
        drop(unused);
        let seen = one(service("NTP"), loopback, port, "a.example").await;
        assert_eq!(seen.result, Seen::Known(UdpAnswer::Closed));
    }
}
