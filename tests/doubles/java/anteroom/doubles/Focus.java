// Test double of jicofo, the conference focus.
// Real: reads jicofo.conf, logs in over verified TLS, watches the bridge brewery, answers conference
//       requests that come through the client_proxy component (the sender's address is taken from the
//       resource only when the request comes from that component), creates and joins rooms, authentication
//       of type XMPP with sessions, login-url and logout, grants ownership, invites to calls (see Calls), leaves
//       empty rooms, serves HTTP.
// Not:  visitors, jibri, jigasi, authentication of type JWT, moderation, health-check rooms.
package anteroom.doubles;

import anteroom.doubles.Xml.Element;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public final class Focus implements Xmpp.Handler {
    private static final Logger LOG = Logger.getLogger("focus");
    private static final String NS = "http://jitsi.org/protocol/focus";
    private static final String MUC = "http://jabber.org/protocol/muc";

    private final Hocon.Node config;
    private final Hocon.Node jicofo;
    private final String nick;
    private final String proxy;
    private final String brewery;
    private final Authority authority;
    private final boolean autoOwner;
    private final Map<String, Conference> conferences = new ConcurrentHashMap<>();
    private final Map<String, String> bridges = new ConcurrentHashMap<>();
    private final Calls calls = new Calls(this::connection, this::bridge);
    private final ExecutorService io = Executors.newFixedThreadPool(8, r -> Xmpp.daemon(r, "io"));
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(r -> Xmpp.daemon(r, "timer"));
    private volatile Xmpp xmpp;
    private volatile long total;

    private Focus(Hocon.Node config) {
        this.config = config;
        this.jicofo = config.object("jicofo");
        Hocon.Node client = jicofo.object("xmpp.client");
        nick = client.string("username", "focus");
        proxy = client.string("client-proxy", null);
        String b = jicofo.string("bridge.brewery-jid", null);
        brewery = b == null ? null : b.toLowerCase();
        autoOwner = jicofo.flag("conference.enable-auto-owner", true);
        String type = jicofo.string("authentication.type", "NONE");
        boolean on = jicofo.flag("authentication.enabled", false) && !type.equals("NONE");
        if (on && !type.equals("XMPP")) throw new Hocon.Bad("TEST DOUBLE: authentication.type " + type + " is not doubled");
        authority = on ? new Authority(jicofo.object("authentication"), this::authenticated) : null;
    }

    public static void main(String[] args) {
        Daemon.run("jicofo", c -> new Focus(c).run());
    }

    private void run() throws Exception {
        Hocon.Node c = jicofo.object("xmpp.client");
        String domain = c.need("domain");
        String host = c.string("hostname", "localhost");
        xmpp = new Xmpp(new Xmpp.Account(host, c.number("port", 5222), domain, nick, c.need("password"), c.string("resource", nick),
            c.flag("use-tls", true), c.flag("disable-certificate-verification", false)), this);
        LOG.info("authentication " + (authority == null ? "off" : "XMPP, domain " + authority.domain()) + ", auto-owner " + autoOwner
            + ", client-proxy " + proxy + ", brewery " + brewery);
        if (jicofo.flag("rest.enabled", true)) serve();
        if (authority != null) timer.scheduleWithFixedDelay(authority::expire, 30, 30, TimeUnit.SECONDS);
        xmpp.start();
        Runtime.getRuntime().addShutdownHook(new Thread(xmpp::stop));
        Daemon.forever();
    }

    // ---- connection

    @Override
    public void online() {
        if (brewery != null) xmpp.trySend("<presence to='" + Xml.escape(brewery + "/" + nick) + "'><x xmlns='" + MUC + "'/></presence>");
        for (Conference c : conferences.values()) io.execute(c::join);
    }

    @Override
    public void offline() {
        bridges.clear();
        conferences.values().forEach(c -> c.members.clear());
    }

    @Override
    public void stanza(Element e) {
        String from = e.attr("from", "");
        int slash = from.indexOf('/');
        String bare = slash < 0 ? from : from.substring(0, slash);
        String resource = slash < 0 ? "" : from.substring(slash + 1);
        if (e.name.equals("presence")) {
            if (bare.equals(brewery)) bridge(resource, e);
            else if (conferences.get(bare) != null) conferences.get(bare).presence(resource, e);
            else if ("subscribe".equals(e.attr("type"))) LOG.fine("subscription of " + from + " ignored; the roster decides");
            return;
        }
        if (!e.name.equals("iq")) return;
        // Only the proxy component is believed when it names somebody else.
        String sender = bare.equals(proxy) && !resource.isEmpty() ? resource : from;
        String type = e.attr("type", "");
        Element c = e.child("conference", NS);
        Element login = e.child("login-url", NS);
        Element logout = e.child("logout", NS);
        if (type.equals("set") && conferences.containsKey(bare) && calls.asked(e, bare, resource)) return;
        if (c != null && type.equals("set")) io.execute(() -> conferenceRequest(e, c, sender));
        else if (login != null && type.equals("get") && authority != null) loginUrl(e, login);
        else if (logout != null && type.equals("set") && authority != null) logout(e, logout);
        else xmpp.trySend(Xmpp.error(e, "cancel", "feature-not-implemented", null, ""));
    }

    private Xmpp connection() {
        return xmpp;
    }

    private String bridge() {
        return bridges.keySet().stream().findFirst().map(name -> brewery + "/" + name).orElse(null);
    }

    private void bridge(String name, Element p) {
        if (name.equals(nick)) {
            if ("error".equals(p.attr("type"))) LOG.severe("the brewery refused us: " + p);
            return;
        }
        Element stats = p.child("stats", "http://jitsi.org/protocol/colibri");
        if ("unavailable".equals(p.attr("type"))) {
            if (bridges.remove(name) != null) LOG.info("bridge left: " + name);
        } else if (stats != null && bridges.put(name, stats.toString()) == null) {
            LOG.info("bridge added: " + name);
        }
    }

    // ---- conference requests

    private void conferenceRequest(Element iq, Element query, String sender) {
        String answer;
        try {
            answer = conference(iq, query, sender);
        } catch (Refused r) {
            LOG.info("conference request for " + query.attr("room") + " from " + sender + " refused: " + r.condition + ", " + r.getMessage());
            answer = Xmpp.error(iq, r.type, r.condition, r.getMessage(), r.extra);
        } catch (RuntimeException x) {
            LOG.log(Level.SEVERE, "conference request failed", x);
            answer = Xmpp.error(iq, "wait", "internal-server-error", x.getMessage(), "");
        }
        xmpp.trySend(answer);
    }

    private String conference(Element iq, Element query, String sender) {
        Element reply = decide(query, sender);
        return "<iq type='result' id='" + Xml.escape(iq.attr("id", "")) + "' to='" + Xml.escape(iq.attr("from", "")) + "'>" + reply + "</iq>";
    }

    private Element decide(Element query, String sender) {
        String room = query.attr("room");
        if (room == null || room.isBlank() || room.indexOf('@') < 1) throw new Refused("modify", "bad-request", "No 'room' specified.", "");
        room = room.toLowerCase();
        Element r = new Element("conference", NS);
        r.attributes.put("room", room);
        r.attributes.put("focusjid", nick + "@" + jicofo.string("xmpp.client.domain", ""));
        property(r, "authentication", String.valueOf(authority != null));
        if (authority != null) property(r, "externalAuth", "false");
        boolean exists = conferences.containsKey(room);
        if (authority != null) {
            authority.process(query, sender, room, r);
            if (!exists && authority.identityOf(sender) == null) throw new Refused("auth", "not-authorized", "not authorized user domain", "");
        }
        Conference c = conferences.computeIfAbsent(room, Conference::new);
        r.attributes.put("ready", String.valueOf(c.ready()));
        property(r, "visitors-supported", "false");
        LOG.info("conference request for " + room + " from " + sender + ": ready=" + r.attr("ready"));
        return r;
    }

    private void authenticated(String jid) {
        conferences.values().forEach(c -> io.execute(() -> c.authenticated(jid)));
    }

    private static void property(Element parent, String name, String value) {
        Element p = new Element("property", NS);
        p.attributes.put("name", name);
        p.attributes.put("value", value);
        parent.children.add(p);
    }

    private void loginUrl(Element iq, Element q) {
        String room = q.attr("room");
        if (room == null) {
            xmpp.trySend(Xmpp.error(iq, "modify", "not-acceptable", null, ""));
        } else if (q.attr("machine-uid", "").isBlank()) {
            xmpp.trySend(Xmpp.error(iq, "modify", "bad-request", "missing mandatory attribute 'machineUID'", ""));
        } else {
            Element r = new Element("login-url", NS);
            r.attributes.put("url", "./" + room.substring(0, Math.max(0, room.indexOf('@'))) + "?login=true");
            r.attributes.put("room", room);
            xmpp.reply(iq, r.toString());
        }
    }

    private void logout(Element iq, Element q) {
        if (authority.end(q.attr("session-id"))) xmpp.reply(iq, "<logout xmlns='" + NS + "'/>");
        else xmpp.trySend(Xmpp.error(iq, "modify", "not-acceptable", "invalid session", "<session-invalid xmlns='" + NS + "'/>"));
    }

    // ---- rooms

    private static final class Member {
        private final String jid;
        private String affiliation;

        Member(String jid, String affiliation) {
            this.jid = jid;
            this.affiliation = affiliation;
        }
    }

    private final class Conference {
        private final String room;
        private final Map<String, Member> members = new ConcurrentHashMap<>();
        private CompletableFuture<Boolean> joined;
        private volatile boolean inside;

        Conference(String room) {
            this.room = room;
            total++;
        }

        /** Creates or joins the room on the first call; later callers wait for the same outcome. */
        boolean ready() {
            CompletableFuture<Boolean> f;
            boolean mine = false;
            synchronized (this) {
                if (joined == null) {
                    joined = new CompletableFuture<Boolean>().orTimeout(15, TimeUnit.SECONDS);
                    mine = true;
                }
                f = joined;
            }
            if (mine) enter();
            try {
                f.join();
            } catch (RuntimeException e) {
                LOG.warning("could not join " + room + ": " + e.getMessage());
                conferences.remove(room, this);
                throw new Refused("wait", "internal-server-error", "could not join the room", "");
            }
            return inside;
        }

        private void enter() {
            xmpp.trySend("<presence to='" + Xml.escape(room + "/" + nick) + "'><x xmlns='" + MUC + "'/>"
                + "<versions xmlns='http://jitsi.org/jitmeet'><component name='focus'>1.0.1180</component></versions></presence>");
            long grace = jicofo.time("conference.initial-timeout", java.time.Duration.ofSeconds(15)).toMillis();
            timer.schedule(() -> io.execute(this::leaveIfEmpty), grace, TimeUnit.MILLISECONDS);
        }

        void join() {
            synchronized (this) {
                joined = null;
                inside = false;
            }
            try {
                ready();
            } catch (Refused e) {
                LOG.warning("not back in " + room);
            }
        }

        void presence(String who, Element p) {
            String type = p.attr("type", "");
            Element x = p.child("x", MUC + "#user");
            Element item = x == null ? null : x.child("item");
            if (who.equals(nick)) {
                if (type.equals("error")) fail(p.toString());
                else if (type.equals("unavailable")) gone();
                else if (p.toString().contains("code='110'") && !inside) configure(item);
                return;
            }
            if (type.equals("unavailable")) {
                if (members.remove(who) != null) LOG.info("left " + room + ": " + who);
                calls.left(room, who);
                electOwner();
                io.execute(this::leaveIfEmpty);
                return;
            }
            if (!type.isEmpty() || item == null) return;
            Member m = members.get(who);
            if (m == null) {
                members.put(who, m = new Member(item.attr("jid"), item.attr("affiliation", "none")));
                LOG.info("joined " + room + ": " + who + " (" + m.jid + ")");
                if (authority != null && authority.identityOf(m.jid) != null) grant(who, m);
                electOwner();
                if (inside) calls.present(room, members.keySet());
            } else {
                m.affiliation = item.attr("affiliation", "none");
            }
        }

        private void fail(String why) {
            LOG.warning("join of " + room + " failed: " + why);
            joined.completeExceptionally(new IOException("refused"));
        }

        private void gone() {
            LOG.info("removed from " + room);
            inside = false;
            end();
        }

        /** Makes the room non-anonymous, so that everybody can see which occupant is the focus. */
        private void configure(Element item) {
            if (item == null || !"owner".equals(item.attr("affiliation"))) LOG.warning("not an owner of " + room + ": roles cannot be managed");
            String form = "<query xmlns='" + MUC + "#owner'><x xmlns='jabber:x:data' type='submit'>"
                + "<field var='FORM_TYPE'><value>" + MUC + "#roomconfig</value></field>"
                + "<field var='muc#roomconfig_whois'><value>anyone</value></field></x></query>";
            xmpp.ask("get", room, "<query xmlns='" + MUC + "#owner'/>").thenComposeAsync(f -> xmpp.ask("set", room, form), io).whenComplete((r, e) -> {
                if (e != null || "error".equals(r.attr("type"))) LOG.warning("configuration of " + room + ": " + (e != null ? e : r));
                inside = true;
                joined.complete(true);
                LOG.info("conference started in " + room);
                electOwner();
                calls.present(room, members.keySet());
            });
        }

        void authenticated(String jid) {
            members.forEach((who, m) -> {
                if (jid.equals(m.jid)) grant(who, m);
            });
        }

        private void electOwner() {
            if (authority != null || !autoOwner || !inside) return;
            for (Member m : members.values()) if ("owner".equals(m.affiliation)) return;
            members.entrySet().stream().findFirst().ifPresent(e -> grant(e.getKey(), e.getValue()));
        }

        private void grant(String who, Member m) {
            if (m.jid == null || "owner".equals(m.affiliation)) return;
            String bare = m.jid.contains("/") ? m.jid.substring(0, m.jid.indexOf('/')) : m.jid;
            LOG.info("granting ownership of " + room + " to " + who);
            m.affiliation = "owner";
            xmpp.ask("set", room, "<query xmlns='" + MUC + "#admin'><item affiliation='owner' jid='" + Xml.escape(bare) + "'/></query>")
                .whenComplete((r, e) -> {
                    if (e != null || "error".equals(r.attr("type"))) LOG.warning("not granted: " + (e != null ? e : r));
                });
        }

        private void leaveIfEmpty() {
            if (!members.isEmpty() || !conferences.containsValue(this)) return;
            LOG.info("leaving the empty room " + room);
            end();
            xmpp.trySend("<presence type='unavailable' to='" + Xml.escape(room + "/" + nick) + "'/>");
        }

        private void end() {
            if (conferences.remove(room, this) && authority != null) authority.conferenceEnded(room);
        }
    }

    // ---- HTTP

    private int participants() {
        return conferences.values().stream().mapToInt(c -> c.members.size()).sum();
    }

    private void serve() throws IOException {
        Rest rest = new Rest(jicofo.string("rest.host", "127.0.0.1"), jicofo.number("rest.port", 8888));
        if (jicofo.flag("health.enabled", false)) {
            rest.on("GET /about/health", (b, x) -> xmpp.isOnline() && (!bridges.isEmpty())
                ? Rest.Answer.text(200, "") : Rest.Answer.text(500, "No operational bridges available or not connected\n"));
        }
        rest.on("GET /about/version", (b, x) -> Rest.Answer.json("{\"name\":\"JICOFO\",\"version\":\"1.0-1180-double\",\"os\":\"Linux\"}"));
        rest.on("GET /stats", (b, x) -> Rest.Answer.json("{\"conferences\":" + conferences.size() + ",\"participants\":" + participants()
            + ",\"total_conferences_created\":" + total + ",\"largest_conference\":" + conferences.values().stream().mapToInt(c -> c.members.size()).max().orElse(0)
            + ",\"bridge_selector\":{\"bridge_count\":" + bridges.size() + ",\"operational_bridge_count\":" + bridges.size() + "}}"));
        if (jicofo.flag("rest.prometheus.enabled", true)) rest.on("GET /metrics", (b, x) -> Rest.Answer.text(200, "jitsi_jicofo_participants_current " + participants() + "\njitsi_jicofo_conferences " + conferences.size() + "\njitsi_jicofo_bridge_selector_bridge_count " + bridges.size() + "\n"));
        if (jicofo.flag("rest.debug.enabled", true)) rest.on("GET /debug*", (b, x) -> Rest.Answer.json("{\"conferences\":" + conferences.keySet().stream().map(Rest::quote).toList() + ",\"bridges\":" + bridges.keySet().stream().map(Rest::quote).toList() + "}"));
        if (jicofo.flag("rest.pin.enabled", true)) rest.on("GET /pin", (b, x) -> Rest.Answer.json("[]"));
        if (jicofo.flag("rest.move-endpoints.enabled", true)) rest.on("GET /move-endpoints*", (b, x) -> Rest.Answer.json("{\"movedEndpoints\":0,\"conferences\":0}"));
        if (jicofo.flag("rest.conference-request.enabled", true)) rest.on("POST /conference-request/v1", (b, x) -> overHttp(b));
        rest.start();
    }

    /** The HTTP twin carries no address, so with authentication it can only reach rooms that exist. */
    private Rest.Answer overHttp(String body) {
        Element q = new Element("conference", NS);
        Matcher m = Pattern.compile("\"(room|machineUid|sessionId)\"\\s*:\\s*\"([^\"\\\\]*)\"").matcher(body);
        Map<String, String> names = Map.of("room", "room", "machineUid", "machine-uid", "sessionId", "session-id");
        while (m.find()) q.attributes.put(names.get(m.group(1)), m.group(2));
        try {
            Element r = decide(q, "");
            StringBuilder props = new StringBuilder();
            for (Element p : r.elements()) props.append(props.isEmpty() ? "" : ",").append(Rest.quote(p.attr("name"))).append(':').append(Rest.quote(p.attr("value")));
            return Rest.Answer.json("{\"room\":" + Rest.quote(r.attr("room")) + ",\"ready\":" + r.attr("ready") + ",\"focusJid\":" + Rest.quote(r.attr("focusjid")) + ",\"properties\":{" + props + "}}");
        } catch (Refused e) {
            return Rest.Answer.text(List.of("not-authorized").contains(e.condition) ? 403 : 400, e.getMessage() + "\n");
        }
    }
}
