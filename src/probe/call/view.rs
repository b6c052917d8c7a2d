//! What was seen of a call. Plain data; nothing here looks or judges.

use std::net::SocketAddr;

use serde::Serialize;

use crate::probe::sighting::Sighting;
use crate::probe::xmpp::session::Entry;

use super::jingle::Offered;

/// One call between a clinician and a patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallView {
    /// The patient at the room's door.
    pub waiting: Sighting<Waiting>,
    /// The clinician's way to the bridge.
    pub clinician: LegView,
    /// The patient's.
    pub patient: LegView,
    /// Datagrams with wrong ICE credentials.
    pub ice: Sighting<IceView>,
    /// What arrived of what was sent.
    pub media: Sighting<MediaView>,
}

/// The patient's two tries to enter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Before the clinician was in the room.
    pub before: Entry,
    /// After the clinician had entered. It is the control of the first try.
    pub after: Entry,
}

/// One participant's way to the bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LegView {
    /// What the invitation told.
    pub offer: Sighting<Offered>,
    /// What was agreed on with the bridge.
    pub secured: Sighting<Secured>,
}

/// The end of a DTLS handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Secured {
    /// Where the bridge answered.
    pub path: SocketAddr,
    /// Such as `DTLSv1.2`.
    pub version: String,
    /// OpenSSL's name of the suite.
    pub suite: String,
    /// OpenSSL's name of the SRTP profile; `None` where the bridge agreed on none.
    pub profile: Option<String>,
    /// Whose certificate the bridge showed.
    pub certificate: Vouching,
}

/// How the bridge's certificate and the invitation go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Vouching {
    /// It is the announced one.
    AsAnnounced,
    /// It is another one.
    Another,
    /// The invitation announced none by a digest that is known here.
    Nothing,
}

/// What became of datagrams with wrong ICE credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IceView {
    /// A check under a user name that nobody has.
    pub unknown_user: IceAnswer,
    /// A check under the right user name, signed with a wrong password.
    pub wrong_password: IceAnswer,
    /// Whether a right check was answered after these. It is their control.
    pub honest_answered: bool,
}

/// The answer to a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IceAnswer {
    /// Nothing came.
    Silent,
    /// A refusal, such as 401.
    Refused(u16),
    /// A yes.
    Accepted,
    /// Something that is no answer to a check.
    Other,
}

/// Both directions of the media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MediaView {
    /// From the clinician to the patient.
    pub to_patient: Flow,
    /// From the patient to the clinician.
    pub to_clinician: Flow,
}

/// One direction: packets with marks of our own, and what came of them at the other participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// Protected packets sent.
    pub sent: u32,
    /// Of these, how many arrived protected.
    pub arrived: u32,
    /// Of these, how many arrived so that anybody on the way could read them.
    pub readable: u32,
    /// Packets sent without protection.
    pub plain_sent: u32,
    /// Of these, how many arrived in whatever shape.
    pub plain_arrived: u32,
}
