// A TLS server with everything on that Java still has: SSLv3, RC4, DES, export, anonymous and NULL suites.
// Usage: java Weak.java PORT KEYSTORE PASSWORD. Prints "ready" when it listens; ends with its standard input.
import java.io.FileInputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import java.security.Security;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

public class Weak {
    public static void main(String[] args) throws Exception {
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        Security.setProperty("jdk.tls.legacyAlgorithms", "");
        Security.setProperty("jdk.certpath.disabledAlgorithms", "");
        System.setProperty("jdk.tls.ephemeralDHKeySize", "legacy");
        var store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(args[1]), args[2].toCharArray());
        var keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(store, args[2].toCharArray());
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        var factory = context.getServerSocketFactory();
        var at = InetAddress.getByName("127.0.0.1");
        var listener = (SSLServerSocket) factory.createServerSocket(Integer.parseInt(args[0]), 500, at);
        listener.setEnabledCipherSuites(factory.getSupportedCipherSuites());
        listener.setEnabledProtocols(new String[] {"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"});
        var pool = Executors.newCachedThreadPool();
        var accepting = new Thread(() -> {
            while (true) {
                try {
                    var socket = (SSLSocket) listener.accept();
                    socket.setSoTimeout(5000);
                    pool.execute(() -> {
                        try (socket) {
                            socket.startHandshake();
                            socket.getInputStream().read();
                        } catch (Exception refused) {
                            // Most handshakes here are meant to fail.
                        }
                    });
                } catch (Exception broken) {
                    return;
                }
            }
        });
        accepting.setDaemon(true);
        accepting.start();
        System.out.println("ready");
        while (System.in.read() >= 0) {}
        System.exit(0);
    }
}
