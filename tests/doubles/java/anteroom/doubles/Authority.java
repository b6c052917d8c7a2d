// Test double of jicofo's authentication of type XMPP: whoever is logged in on the login-url domain.
// Real: sessions by machine, their refusals, lifetime, end with the conference unless auto-login is on.
package anteroom.doubles;

import anteroom.doubles.Xml.Element;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.logging.Logger;

final class Authority {
    private static final class Session {
        private final String id = UUID.randomUUID().toString();
        private final String machine;
        private final String identity;
        private final String room;
        private String jid;
        private long touched = System.currentTimeMillis();

        Session(String machine, String identity, String room) {
            this.machine = machine;
            this.identity = identity;
            this.room = room;
        }
    }

    private final String domain;
    private final boolean autoLogin;
    private final long lifetime;
    private final Map<String, Session> sessions = new LinkedHashMap<>();
    private final Consumer<String> authenticated;

    Authority(Hocon.Node n, Consumer<String> authenticated) {
        this.authenticated = authenticated;
        domain = n.need("login-url").toLowerCase();
        autoLogin = n.flag("enable-auto-login", true);
        lifetime = n.time("authentication-lifetime", java.time.Duration.ofHours(24)).toMillis();
    }

    synchronized void expire() {
        sessions.values().removeIf(s -> s.touched + lifetime < System.currentTimeMillis());
    }

    synchronized void process(Element query, String sender, String room, Element reply) {
        String id = query.attr("session-id", "");
        String machine = query.attr("machine-uid", "");
        Session s = sessions.get(id);
        if (!id.isBlank()) {
            if (s == null) throw new Refused("modify", "not-acceptable", "invalid session", "<session-invalid xmlns='http://jitsi.org/protocol/focus'/>");
            if (!s.machine.equals(machine)) throw new Refused("modify", "not-acceptable", "machine UID mismatch or empty", "");
        }
        int slash = sender.indexOf('/');
        String bare = slash < 0 ? sender : sender.substring(0, slash);
        if (s == null && bare.substring(bare.indexOf('@') + 1).equals(domain)) {
            if (machine.isBlank()) throw new Refused("modify", "not-acceptable", "Missing mandatory attribute 'machine-uid'", "");
            s = new Session(machine, bare, room);
            sessions.put(s.id, s);
            Logger.getLogger("focus").info("session created for " + bare);
        }
        if (s == null) return;
        s.jid = sender;
        s.touched = System.currentTimeMillis();
        reply.attributes.put("identity", s.identity);
        reply.attributes.put("session-id", s.id);
        authenticated.accept(sender);
    }

    synchronized String identityOf(String jid) {
        for (Session s : sessions.values()) if (jid != null && jid.equals(s.jid)) return s.identity;
        return null;
    }

    synchronized boolean end(String id) {
        return id != null && sessions.remove(id) != null;
    }

    synchronized void conferenceEnded(String room) {
        if (!autoLogin) sessions.values().removeIf(s -> s.room.equals(room));
    }

    String domain() {
        return domain;
    }
}
