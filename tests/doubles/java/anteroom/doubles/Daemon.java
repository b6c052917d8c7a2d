// Test double part: what both daemons share at start: logging, configuration file, exit codes.
package anteroom.doubles;

import java.util.logging.ConsoleHandler;
import java.util.logging.Level;
import java.util.logging.Logger;

final class Daemon {
    /** systemd does not restart a unit that ends with this status (RestartPreventExitStatus). */
    static final int BAD_CONFIGURATION = 78;

    interface Body {
        void run(Hocon.Node config) throws Exception;
    }

    private Daemon() { }

    static void run(String what, Body body) {
        Logger root = Logger.getLogger("");
        if (System.getProperty("java.util.logging.config.file") == null) {
            System.setProperty("java.util.logging.SimpleFormatter.format", "%1$tF %1$tT.%1$tL %4$s: [%3$s] %5$s%6$s%n");
            root.setLevel(Level.INFO);
            if (root.getHandlers().length == 0) root.addHandler(new ConsoleHandler());
        }
        Logger log = Logger.getLogger("main");
        log.info("TEST DOUBLE of " + what + ", process " + ProcessHandle.current().pid() + ", Java " + System.getProperty("java.version"));
        String file = System.getProperty("config.file");
        try {
            if (file == null) log.warning("no -Dconfig.file: running on defaults alone");
            body.run(file == null ? Hocon.parse("") : Hocon.load(file));
        } catch (Hocon.Bad e) {
            log.severe("configuration: " + e.getMessage());
            System.exit(BAD_CONFIGURATION);
        } catch (Exception e) {
            log.log(Level.SEVERE, "cannot start", e);
            System.exit(1);
        }
    }

    static void forever() throws InterruptedException {
        synchronized (Daemon.class) {
            while (true) Daemon.class.wait();
        }
    }
}
