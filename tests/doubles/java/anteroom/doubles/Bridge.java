// Test double of jitsi-videobridge.
// Real: reads jvb.conf, logs in to every configured XMPP server over verified TLS, joins the brewery room
//       with colibri statistics and renews them, binds the media port on every own address, serves the
//       private HTTP interface, drains, shuts down gracefully, ends cleanly on SIGTERM.
// Not:  media. Every datagram is dropped in silence, as the real bridge does with strangers; no ICE, no
//       DTLS, no conferences, so statistics are always zero. Harvesters of ice4j are read and ignored.
package anteroom.doubles;

import anteroom.doubles.Xml.Element;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
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
    private int sockets;

    private Bridge(Hocon.Node config) {
        this.config = config;
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
            } else if (e.name.equals("iq") && List.of("get", "set").contains(e.attr("type", ""))) {
                xmpp.trySend(Xmpp.error(e, "cancel", "feature-not-implemented", "TEST DOUBLE: no conferences here", ""));
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
                Xmpp.daemon(() -> drop(s), "media").start();
            }
        }
        if (sockets == 0) LOG.severe("no address to receive media on");
    }

    private static void drop(DatagramSocket s) {
        byte[] buffer = new byte[2048];
        while (true) {
            try {
                s.receive(new DatagramPacket(buffer, buffer.length));
            } catch (IOException e) {
                LOG.warning("media socket: " + e);
                return;
            }
        }
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
