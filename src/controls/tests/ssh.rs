//! Scenes of SSH as a stranger meets it.

use crate::controls::Status;
use crate::probe::Sighting;
use crate::probe::SshView;
use crate::probe::ssh::SshOffer;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::build::good;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "encryption/ssh-algorithms",
        passes: &[
            (
                "markers that are no algorithms are left out",
                |scene| ssh(scene).key_exchange.push("kex-strict-s-v00@openssh.com".to_owned()),
                "offers what was rendered",
            ),
            (
                "admins come by IPv4 only",
                |scene| {
                    let silent = Sighting {
                        result: Seen::Known(SshView::Filtered),
                        ..scene.seen().ssh[0].clone()
                    };
                    scene.seen().ssh.push(silent);
                },
                "offers what was rendered",
            ),
        ],
        fails: &[
            (
                "an old key exchange is offered",
                |scene| ssh(scene).key_exchange.push("diffie-hellman-group1-sha1".to_owned()),
                "also offers diffie-hellman-group1-sha1",
            ),
            (
                "a host key signs with SHA-1",
                |scene| ssh(scene).host_keys.push("ssh-rsa".to_owned()),
                "also offers ssh-rsa",
            ),
            (
                "an old MAC is offered",
                |scene| ssh(scene).macs.push("hmac-md5".to_owned()),
                "hmac-md5",
            ),
        ],
        unverified: Scenes(&[
            (
                "this address may not reach SSH",
                |scene| scene.seen().ssh[0].result = Seen::Known(SshView::Filtered),
                "does not answer this address",
            ),
            (
                "no port was looked at",
                |scene| scene.seen().ssh.clear(),
                "no port was looked at",
            ),
        ]),
    },
    Row {
        id: "encryption/ssh-terrapin",
        passes: &[(
            "without strict key exchange, but without the ciphers that need it",
            |scene| {
                not_strict(scene);
                ssh(scene).ciphers.retain(|name| !name.starts_with("chacha20"));
            },
            "cannot be cut short",
        )],
        fails: &[
            (
                "ChaCha20-Poly1305 without strict key exchange",
                not_strict,
                "offers chacha20-poly1305@openssh.com without",
            ),
            (
                "CBC with encrypt-then-MAC without strict key exchange",
                |scene| {
                    not_strict(scene);
                    ssh(scene).ciphers = vec!["aes128-cbc".to_owned()];
                },
                "offers aes128-cbc without",
            ),
        ],
        unverified: Scenes(&[(
            "the greeting was cut short",
            |scene| scene.seen().ssh[0].result = Seen::unknown("the connection broke"),
            "the connection broke",
        )]),
    },
    Row {
        id: "access/ssh-offers-keys-only",
        passes: &[(
            "keys and host keys",
            |scene| ssh(scene).logins = Seen::Known(vec!["publickey".to_owned(), "hostbased".to_owned()]),
            "publickey, hostbased",
        )],
        fails: &[
            (
                "a password is asked for",
                |scene| ssh(scene).logins = Seen::Known(vec!["publickey".to_owned(), "password".to_owned()]),
                "password",
            ),
            (
                "questions are asked",
                |scene| ssh(scene).logins = Seen::Known(vec!["keyboard-interactive".to_owned()]),
                "keyboard-interactive",
            ),
            (
                "nothing is asked",
                |scene| ssh(scene).logins = Seen::Known(vec!["none".to_owned()]),
                "none",
            ),
        ],
        unverified: Scenes(&[(
            "no algorithms in common",
            |scene| ssh(scene).logins = Seen::unknown("unable to exchange encryption keys"),
            "unable to exchange",
        )]),
    },
];

fn ssh(scene: &mut Scene) -> &mut SshOffer {
    match &mut scene.seen().ssh[0].result {
        Seen::Known(SshView::Speaks(offer)) => offer,
        other => panic!("{other:?}"),
    }
}

fn not_strict(scene: &mut Scene) {
    ssh(scene).key_exchange.retain(|name| !name.starts_with("kex-strict"));
}

#[test]
fn without_a_spec_the_catalog_says_what_is_weak() {
    let mut scene = good();
    scene.probe_only();
    assert_eq!(scene.word("encryption/ssh-algorithms"), Some(Status::Pass));
    ssh(&mut scene).ciphers.push("aes128-cbc".to_owned());
    assert_eq!(scene.word("encryption/ssh-algorithms"), Some(Status::Fail));
    scene.seen().ssh[0].result = Seen::Known(SshView::Filtered);
    assert_eq!(scene.word("encryption/ssh-algorithms"), None);
}
