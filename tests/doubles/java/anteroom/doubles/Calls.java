// Test double part: how jicofo makes a call.
// Real: features are asked for before anybody is invited, two participants are needed, the bridge is asked by colibri2 for
//       an endpoint each, session-initiate names its transport in every content, session-accept is handed to the bridge.
// Not:  sources are not passed on (the bridge here forwards everything), no transport-info, no restarts, no video layers.
package anteroom.doubles;

import anteroom.doubles.Xml.Element;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.logging.Logger;

final class Calls {
    static final String COLIBRI = "jitsi:colibri2";
    static final String ICE = "urn:xmpp:jingle:transports:ice-udp:1";
    static final String DTLS = "urn:xmpp:jingle:apps:dtls:0";
    private static final String JINGLE = "urn:xmpp:jingle:1";
    private static final Logger LOG = Logger.getLogger("calls");

    private final Supplier<Xmpp> xmpp;
    private final Supplier<String> bridge;
    private final AtomicLong sessions = new AtomicLong(System.nanoTime() & 0xffffff);
    private final Map<String, Set<String>> invited = new ConcurrentHashMap<>();

    /** `bridge` gives the address of a bridge in the brewery, or null. */
    Calls(Supplier<Xmpp> xmpp, Supplier<String> bridge) {
        this.xmpp = xmpp;
        this.bridge = bridge;
    }

    /** Invites whoever is in the room and can take a call, once there are two. */
    void present(String room, Collection<String> members) {
        if (members.size() < 2) return;
        for (String who : members) {
            if (bridge.get() == null) LOG.warning("no bridge for " + room);
            else if (invited.computeIfAbsent(room, r -> ConcurrentHashMap.newKeySet()).add(who)) invite(room, who);
        }
    }

    void left(String room, String who) {
        Set<String> known = invited.get(room);
        if (known == null || !known.remove(who)) return;
        if (known.isEmpty()) invited.remove(room);
        String at = bridge.get();
        if (at != null) xmpp.get().ask("set", at, modify(room, "<endpoint xmlns='" + COLIBRI + "' id='" + Xml.escape(who) + "' expire='true'/>", false));
    }

    private void invite(String room, String who) {
        String at = bridge.get();
        if (at == null) {
            LOG.warning("no bridge for " + room);
            return;
        }
        Xmpp x = xmpp.get();
        x.ask("get", room + "/" + who, "<query xmlns='http://jabber.org/protocol/disco#info'/>").thenAccept(info -> {
            if (!info.toString().contains("var='" + ICE + "'")) {
                LOG.info(who + " takes no calls");
                return;
            }
            String endpoint = "<endpoint xmlns='" + COLIBRI + "' id='" + Xml.escape(who) + "' create='true'><transport xmlns='" + COLIBRI + "' ice-controlling='true'/></endpoint>";
            x.ask("set", at, modify(room, endpoint, true)).thenAccept(made -> initiate(room, who, made));
        });
    }

    private static String modify(String room, String inside, boolean create) {
        return "<conference-modify xmlns='" + COLIBRI + "' name='" + Xml.escape(room) + "' meeting-id='" + Xml.escape(room) + "'"
            + (create ? " create='true'" : "") + ">" + inside + "</conference-modify>";
    }

    private void initiate(String room, String who, Element made) {
        Element m = made.child("conference-modified", COLIBRI);
        Element e = m == null ? null : m.child("endpoint", COLIBRI);
        Element t = e == null || e.child("transport", COLIBRI) == null ? null : e.child("transport", COLIBRI).child("transport", ICE);
        if (t == null) {
            LOG.warning("the bridge made no endpoint: " + made);
            return;
        }
        Xmpp x = xmpp.get();
        String s = "<jingle xmlns='" + JINGLE + "' action='session-initiate' initiator='" + Xml.escape(x.jid()) + "' sid='" + Long.toString(sessions.incrementAndGet(), 36) + "'>"
            + content("audio", "<payload-type id='111' name='opus' clockrate='48000' channels='2'/>", t)
            + content("video", "<payload-type id='100' name='VP8' clockrate='90000'/>", t)
            + "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'><content name='audio'/><content name='video'/></group>"
            + "<bridge-session xmlns='http://jitsi.org/protocol/focus' id='" + Xml.escape(room) + "'/></jingle>";
        LOG.info("inviting " + who + " of " + room);
        x.ask("set", room + "/" + who, s);
    }

    private static String content(String name, String payloads, Element transport) {
        return "<content creator='initiator' name='" + name + "' senders='both'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='" + name + "'>"
            + payloads + "<rtcp-mux/></description>" + transport + "</content>";
    }

    /** Whether the question was about a call. */
    boolean asked(Element iq, String room, String who) {
        Element j = iq.child("jingle", JINGLE);
        if (j == null) return false;
        Xmpp x = xmpp.get();
        Element c = j.child("content");
        Element t = c == null ? null : c.child("transport", ICE);
        Element f = t == null ? null : t.child("fingerprint", DTLS);
        String at = bridge.get();
        if (!"session-accept".equals(j.attr("action")) || f == null || at == null) {
            x.reply(iq, "");
            return true;
        }
        String endpoint = "<endpoint xmlns='" + COLIBRI + "' id='" + Xml.escape(who) + "'><transport xmlns='" + COLIBRI + "'>" + t + "</transport></endpoint>";
        x.ask("set", at, modify(room, endpoint, false)).thenAccept(done -> x.reply(iq, ""));
        return true;
    }
}
