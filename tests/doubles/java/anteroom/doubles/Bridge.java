// Test double of jitsi-videobridge.
// Real: reads jvb.conf, logs in to every configured XMPP server over verified TLS, joins the brewery room
//       with colibri statistics and renews them, binds the media port on every own address, makes endpoints
//       for the focus (colibri2) and carries their media, serves the private HTTP interface, drains, shuts
//       down gracefully, ends cleanly on SIGTERM.
// Not:  sources, statistics (always zero), most of colibri2. Harvesters of ice4j are read and ignored, so that
//       exactly the own addresses are told as candidates.
package anteroom.doubles;

import anteroom.doubles.Xml.Element;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.logging.Logger;
import java.util.stream.Collectors;

public final class Bridge {
    private static final Logger LOG = Logger.getLogger("bridge");
    private static final String VERSION = "2.3-292-gdouble";

    private final Hocon.Node config;
    private final List<Xmpp> connections = new ArrayList<>();
    private final long started = System.currentTimeMillis();
    private volatile boolean draining;
    private volatile boolean graceful;
    private volatile boolean shuttingDown;
    private final Media media;
    private int sockets;

    private Bridge(Hocon.Node config) throws GeneralSecurityException, IOException {
        this.config = config;
        List<String> profiles = config.strings("jmt.srtp.protection-profiles");
        media = new Media(profiles.isEmpty() ? List.of("SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_HMAC_SHA1_80") : profiles);
        this.draining = config.flag("videobridge.initial-drain-mode", false);
    }

    public static void main(String[] args) {
        Daemon.run("jitsi-videobridge", c -> new Bridge(c).run());
    }

    private void run() throws Exception {
        bindMedia(config.number("videobridge.ice.udp.port", 10000));
        serve();
        Hocon.Node shards = config.object("videobridge.apis.xmpp-client.configs");
        for (String id : shards.map().keySet()) {
            if (!(shards.map().get(id) instanceof Map<?, ?>)) throw new Hocon.Bad(id + " must be an object");
            connect(id, shards.object(id));
        }
        if (connections.isEmpty()) LOG.warning("no videobridge.apis.xmpp-client.configs: nobody can reach this bridge");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> connections.forEach(Xmpp::stop)));
        Daemon.forever();
    }

    /** Both spellings are in use: HOSTNAME in jvb.conf files, hostname in newer ones. */
    private static String either(Hocon.Node n, String name, String otherwise) {
        for (String key : List.of(name, name.toLowerCase(), name.toLowerCase().replace('_', '-'))) {
            if (n.map().containsKey(key)) return n.string(key, otherwise);
        }
        return otherwise;
    }

    private static String must(Hocon.Node n, String name) {
        String v = either(n, name, null);
        if (v == null || v.isBlank()) throw new Hocon.Bad(n.name() + "." + name + " is missing");
        return v;
    }

    private void connect(String id, Hocon.Node n) {
        String jidsKey = n.map().containsKey("MUC_JIDS") ? "MUC_JIDS" : n.map().containsKey("muc_jids") ? "muc_jids" : "muc-jids";
        List<String> rooms = n.strings(jidsKey).stream().map(String::toLowerCase).toList();
        if (rooms.isEmpty()) throw new Hocon.Bad(id + ".MUC_JIDS is missing");
        String nick = either(n, "MUC_NICKNAME", null);
        if (nick == null) nick = UUID.randomUUID().toString();
        String host = either(n, "HOSTNAME", "localhost");
        String domain = either(n, "DOMAIN", host);
        int port = Integer.parseInt(either(n, "PORT", "5222"));
        boolean skip = either(n, "DISABLE_CERTIFICATE_VERIFICATION", "false").equals("true");
        Brewery b = new Brewery(rooms, nick);
        b.xmpp = new Xmpp(new Xmpp.Account(host, port, domain, must(n, "USERNAME"), must(n, "PASSWORD"), null, true, skip), b);
        connections.add(b.xmpp);
        LOG.info("shard " + id + ": " + host + ":" + port + " as " + must(n, "USERNAME") + "@" + domain + " in " + rooms);
        b.xmpp.start();
        Xmpp.daemon(b::renew, "presence-" + id).start();
    }

    private final class Brewery implements Xmpp.Handler {
        private final List<String> rooms;
        private final String nick;
        private Xmpp xmpp;

        Brewery(List<String> rooms, String nick) {
            this.rooms = rooms;
            this.nick = nick;
        }

        @Override
        public void online() {
            for (String room : rooms) publish(room, "<x xmlns='http://jabber.org/protocol/muc'/>");
        }

        @Override
        public void offline() {
            LOG.warning("left the brewery");
        }

        @Override
        public void stanza(Element e) {
            String from = e.attr("from", "");
            if (e.name.equals("presence") && from.endsWith("/" + nick)) {
                if ("error".equals(e.attr("type"))) LOG.severe("the brewery refused us: " + e);
                else if (e.child("x", "http://jabber.org/protocol/muc#user") != null && e.toString().contains("code='110'")) LOG.fine("present in " + from);
            } else if (e.name.equals("iq") && e.child("conference-modify", Calls.COLIBRI) != null && from.endsWith("/focus") && rooms.contains(from.substring(0, from.length() - 6))) {
                xmpp.reply(e, modified(e.child("conference-modify", Calls.COLIBRI)));
            } else if (e.name.equals("iq") && List.of("get", "set").contains(e.attr("type", ""))) {
                xmpp.trySend(Xmpp.error(e, "cancel", "feature-not-implemented", "TEST DOUBLE: nothing but conference-modify", ""));
            }
        }

        private void publish(String room, String join) {
            StringBuilder s = new StringBuilder("<stats xmlns='http://jitsi.org/protocol/colibri'>");
            stats().forEach((k, v) -> s.append("<stat name='").append(k).append("' value='").append(Xml.escape(v.toString())).append("'/>"));
            xmpp.trySend("<presence to='" + Xml.escape(room + "/" + nick) + "'>" + join + s + "</stats></presence>");
        }

        private void renew() {
            long every = config.time("videobridge.stats.interval", Duration.ofSeconds(10)).toMillis();
            while (true) {
                try {
                    Thread.sleep(Math.max(every, 1000));
                } catch (InterruptedException e) {
                    return;
                }
                if (xmpp.isOnline()) for (String room : rooms) publish(room, "");
            }
        }
    }

    private Map<String, Object> stats() {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("stress_level", 0.0);
        m.put("average_participant_stress", config.string("videobridge.load-management.average-participant-stress", "0.01"));
        m.put("healthy", sockets > 0);
        m.put("drain", draining);
        m.put("graceful_shutdown", graceful);
        m.put("shutting_down", shuttingDown);
        m.put("conferences", 0);
        m.put("participants", 0);
        m.put("octo_endpoints", 0);
        m.put("endpoints", 0);
        m.put("threads", Thread.activeCount());
        m.put("version", VERSION);
        m.put("colibri2", true);
        if (config.flag("videobridge.relay.enabled", false)) {
            m.put("region", config.need("videobridge.relay.region"));
            m.put("relay_id", config.need("videobridge.relay.relay-id"));
        }
        m.put("current_timestamp", java.time.Instant.now().toString());
        return m;
    }

    private static String json(Map<String, Object> m) {
        return m.entrySet().stream()
            .map(e -> Rest.quote(e.getKey()) + ":" + (e.getValue() instanceof String s ? Rest.quote(s) : e.getValue()))
            .collect(Collectors.joining(",", "{", "}"));
    }

    /** One socket per own address, none on loopback, as the single-port harvester does. */
    private void bindMedia(int port) throws IOException {
        if (port < 0) return;
        boolean v6 = !config.flag("ice4j.ipv6.disabled", false);
        for (NetworkInterface i : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            if (!i.isUp() || i.isLoopback()) continue;
            for (InetAddress a : Collections.list(i.getInetAddresses())) {
                if (a.isLinkLocalAddress() || a.isLoopbackAddress() || a instanceof Inet6Address && !v6) continue;
                DatagramSocket s = new DatagramSocket(null);
                s.bind(new InetSocketAddress(a, port));
                sockets++;
                LOG.info("media port " + a.getHostAddress() + ":" + port + "/udp");
                media.serve(s);
            }
        }
        if (sockets == 0) LOG.severe("no address to receive media on");
    }

    /** Makes, changes or removes endpoints; answers with the transport of those that were made. */
    private String modified(Element query) {
        StringBuilder out = new StringBuilder("<conference-modified xmlns='" + Calls.COLIBRI + "'>");
        String conference = query.attr("name", "");
        for (Element e : query.elements()) {
            String id = e.attr("id", "");
            if (!e.name.equals("endpoint") || id.isEmpty()) continue;
            if (e.attr("expire", "false").equals("true")) {
                media.expire(conference, id);
                continue;
            }
            Media.Endpoint endpoint = media.endpoint(conference, id);
            Element told = e.child("transport") == null ? null : e.child("transport").child("transport", Calls.ICE);
            Element print = told == null ? null : told.child("fingerprint", Calls.DTLS);
            if (print != null) endpoint.announced.complete(print.text().strip());
            if (e.attr("create", "false").equals("true")) {
                out.append("<endpoint id='").append(Xml.escape(id)).append("'><transport>").append(transport(endpoint)).append("</transport></endpoint>");
            }
        }
        return out.append("</conference-modified>").toString();
    }

    private String transport(Media.Endpoint endpoint) {
        String[] print;
        try {
            print = media.fingerprint();
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
        StringBuilder s = new StringBuilder("<transport xmlns='" + Calls.ICE + "' ufrag='" + endpoint.ufrag + "' pwd='" + endpoint.password + "'><rtcp-mux/>"
            + "<fingerprint xmlns='" + Calls.DTLS + "' hash='" + print[0] + "' setup='actpass'>" + print[1] + "</fingerprint>");
        int n = 0;
        for (InetSocketAddress a : media.addresses()) {
            s.append("<candidate component='1' foundation='").append(++n).append("' generation='0' id='c").append(n).append("' network='0' priority='2130706431' protocol='udp' type='host' ip='")
                .append(a.getAddress().getHostAddress()).append("' port='").append(a.getPort()).append("'/>");
        }
        return s.append("</transport>").toString();
    }

    private boolean healthy() {
        return sockets > 0 || !config.flag("videobridge.health.require-valid-address", true);
    }

    private void serve() throws IOException {
        Hocon.Node c = config.object("videobridge");
        int port = c.number("http-servers.private.port", 8080);
        if (port < 0) return;
        Rest rest = new Rest(c.string("http-servers.private.host", "127.0.0.1"), port);
        if (c.flag("rest.health.enabled", true)) rest.on("GET /about/health", (b, x) -> healthy() ? Rest.Answer.text(200, "") : Rest.Answer.text(500, "no valid address\n"));
        if (c.flag("rest.version.enabled", true)) rest.on("GET /about/version", (b, x) -> Rest.Answer.json("{\"name\":\"JVB\",\"version\":\"" + VERSION + "\",\"os\":\"Linux\"}"));
        if (c.flag("rest.prometheus.enabled", true)) rest.on("GET /metrics", (b, x) -> Rest.Answer.text(200, "jitsi_jvb_participants_current 0\njitsi_jvb_healthy " + (healthy() ? 1 : 0) + "\n"));
        if (c.flag("rest.debug.enabled", true)) rest.on("GET /debug*", (b, x) -> Rest.Answer.json("{\"conferences\":{},\"shutdownState\":\"" + (graceful ? "GRACEFUL_SHUTDOWN" : "RUNNING") + "\",\"drain\":" + draining + "}"));
        if (c.flag("rest.drain.enabled", true)) {
            rest.on("GET /colibri/drain", (b, x) -> Rest.Answer.json("{\"drain\":" + draining + "}"));
            rest.on("POST /colibri/drain/enable", (b, x) -> drain(true));
            rest.on("POST /colibri/drain/disable", (b, x) -> drain(false));
        }
        if (c.flag("apis.rest.enabled", false)) {
            rest.on("GET /colibri/stats", (b, x) -> {
                Map<String, Object> m = stats();
                m.put("up_since", started);
                return Rest.Answer.json(json(m));
            });
            if (c.flag("rest.shutdown.enabled", false)) rest.on("POST /colibri/shutdown", (b, x) -> shutdown(b));
        }
        rest.start();
        int pub = c.number("http-servers.public.port", -1);
        if (pub > 0) {
            Rest websocket = new Rest(c.string("http-servers.public.host", "0.0.0.0"), pub);
            websocket.on("GET /colibri-ws*", (b, x) -> Rest.Answer.text(403, "authentication failed\n"));
            websocket.start();
        }
    }

    private Rest.Answer drain(boolean on) {
        draining = on;
        LOG.info("drain " + on);
        return Rest.Answer.text(200, "");
    }

    /** No participants here ever, so a graceful shutdown only waits the time that lets jicofo notice. */
    private Rest.Answer shutdown(String body) {
        boolean force = body.contains("force-shutdown");
        if (!force && !body.contains("graceful-shutdown")) return Rest.Answer.text(400, "");
        graceful = true;
        Duration wait = force ? Duration.ofSeconds(1) : config.time("videobridge.shutdown.shutting-down-delay", Duration.ofMinutes(1));
        LOG.info("shutdown asked for, leaving in " + wait);
        Xmpp.daemon(() -> {
            shuttingDown = true;
            try {
                Thread.sleep(wait.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            System.exit(0);
        }, "shutdown").start();
        return Rest.Answer.text(200, "");
    }
}
