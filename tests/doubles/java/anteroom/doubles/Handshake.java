// Test double part: the bridge's side of DTLS, by BouncyCastle as in the real bridge.
// Real: DTLS 1.2 only, ECDHE-ECDSA with AES-128-GCM, a self-signed P-256 certificate, a client certificate that must be
//       the announced one, SRTP profiles in the configured order, no answer to a hello without secure renegotiation.
// Not:  CHACHA20, RSA.
package anteroom.doubles;

import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.util.Date;
import java.util.Hashtable;
import java.util.List;
import java.util.StringJoiner;
import java.util.Vector;
import java.util.function.Supplier;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.TBSCertificate;
import org.bouncycastle.asn1.x509.Time;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.crypto.util.PrivateKeyFactory;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.Certificate;
import org.bouncycastle.tls.CertificateRequest;
import org.bouncycastle.tls.CipherSuite;
import org.bouncycastle.tls.ClientCertificateType;
import org.bouncycastle.tls.DefaultTlsServer;
import org.bouncycastle.tls.ExporterLabel;
import org.bouncycastle.tls.HashAlgorithm;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.SignatureAlgorithm;
import org.bouncycastle.tls.SignatureAndHashAlgorithm;
import org.bouncycastle.tls.TlsCredentialedSigner;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsSRTPUtils;
import org.bouncycastle.tls.UseSRTPData;
import org.bouncycastle.tls.crypto.TlsCertificate;
import org.bouncycastle.tls.crypto.TlsCryptoParameters;
import org.bouncycastle.tls.crypto.impl.bc.BcDefaultTlsCredentialedSigner;
import org.bouncycastle.tls.crypto.impl.bc.BcTlsCrypto;

final class Handshake extends DefaultTlsServer {
    /** The bridge's certificate, made at each start. */
    static final class Identity {
        private final BcTlsCrypto crypto = new BcTlsCrypto(new SecureRandom());
        private final KeyPair keys;
        private final byte[] certificate;

        Identity() throws GeneralSecurityException, IOException {
            KeyPairGenerator g = KeyPairGenerator.getInstance("EC");
            g.initialize(new ECGenParameterSpec("secp256r1"));
            keys = g.generateKeyPair();
            AlgorithmIdentifier algorithm = new AlgorithmIdentifier(X9ObjectIdentifiers.ecdsa_with_SHA256);
            X500Name name = new X500Name("CN=JVB test double");
            long now = System.currentTimeMillis();
            V3TBSCertificateGenerator t = new V3TBSCertificateGenerator();
            t.setSerialNumber(new ASN1Integer(new BigInteger(63, new SecureRandom())));
            t.setSignature(algorithm);
            t.setIssuer(name);
            t.setSubject(name);
            t.setStartDate(new Time(new Date(now - 86_400_000L)));
            t.setEndDate(new Time(new Date(now + 7 * 86_400_000L)));
            t.setSubjectPublicKeyInfo(SubjectPublicKeyInfo.getInstance(keys.getPublic().getEncoded()));
            TBSCertificate body = t.generateTBSCertificate();
            Signature s = Signature.getInstance("SHA256withECDSA");
            s.initSign(keys.getPrivate());
            s.update(body.getEncoded("DER"));
            ASN1EncodableVector whole = new ASN1EncodableVector();
            whole.add(body);
            whole.add(algorithm);
            whole.add(new DERBitString(s.sign()));
            certificate = new DERSequence(whole).getEncoded("DER");
        }

        String fingerprint(String digest) {
            return Handshake.fingerprint(digest, certificate);
        }
    }

    private final Identity identity;
    private final List<Integer> profiles;
    private final Supplier<String> announced;
    private int profile = -1;
    private byte[] material;

    Handshake(Identity identity, List<Integer> profiles, Supplier<String> announced) {
        super(identity.crypto);
        this.identity = identity;
        this.profiles = profiles;
        this.announced = announced;
    }

    private static String fingerprint(String digest, byte[] certificate) {
        try {
            StringJoiner out = new StringJoiner(":");
            for (byte b : MessageDigest.getInstance(digest).digest(certificate)) out.add(String.format("%02X", b));
            return out.toString();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Keys of what the client sends, then of what we send; null where no SRTP was agreed on. */
    Srtp[] keys() throws GeneralSecurityException {
        if (material == null) return null;
        int salt = Srtp.saltSize(profile);
        byte[][] parts = new byte[4][];
        int at = 0;
        for (int i = 0; i < 4; i++) {
            int size = i < 2 ? 16 : salt;
            parts[i] = java.util.Arrays.copyOfRange(material, at, at + size);
            at += size;
        }
        return new Srtp[] {new Srtp(profile, parts[0], parts[2]), new Srtp(profile, parts[1], parts[3])};
    }

    @Override
    protected ProtocolVersion[] getSupportedVersions() {
        return ProtocolVersion.DTLSv12.only();
    }

    @Override
    protected int[] getSupportedCipherSuites() {
        return new int[] {CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256};
    }

    @Override
    @SuppressWarnings("rawtypes")
    public void processClientExtensions(Hashtable extensions) throws IOException {
        super.processClientExtensions(extensions);
        UseSRTPData offered = TlsSRTPUtils.getUseSRTPExtension(extensions);
        if (offered == null) throw new TlsFatalAlert(AlertDescription.handshake_failure);
        for (int ours : profiles) {
            for (int theirs : offered.getProtectionProfiles()) if (profile < 0 && ours == theirs) profile = ours;
        }
        if (profile < 0) throw new TlsFatalAlert(AlertDescription.handshake_failure);
    }

    @Override
    @SuppressWarnings({"rawtypes", "unchecked"})
    public Hashtable getServerExtensions() throws IOException {
        Hashtable out = super.getServerExtensions();
        if (out == null) out = new Hashtable();
        TlsSRTPUtils.addUseSRTPExtension(out, new UseSRTPData(new int[] {profile}, new byte[0]));
        return out;
    }

    @Override
    protected TlsCredentialedSigner getECDSASignerCredentials() throws IOException {
        Certificate shown = new Certificate(new TlsCertificate[] {identity.crypto.createCertificate(identity.certificate)});
        return new BcDefaultTlsCredentialedSigner(new TlsCryptoParameters(context), identity.crypto,
            PrivateKeyFactory.createKey(identity.keys.getPrivate().getEncoded()), shown,
            new SignatureAndHashAlgorithm(HashAlgorithm.sha256, SignatureAlgorithm.ecdsa));
    }

    @Override
    public CertificateRequest getCertificateRequest() {
        Vector<SignatureAndHashAlgorithm> algorithms = new Vector<>();
        algorithms.add(new SignatureAndHashAlgorithm(HashAlgorithm.sha256, SignatureAlgorithm.ecdsa));
        return new CertificateRequest(new short[] {ClientCertificateType.ecdsa_sign}, algorithms, null);
    }

    @Override
    public void notifyClientCertificate(Certificate shown) throws IOException {
        boolean right = shown != null && !shown.isEmpty()
            && fingerprint("SHA-256", shown.getCertificateAt(0).getEncoded()).equalsIgnoreCase(announced.get());
        if (!right) throw new TlsFatalAlert(AlertDescription.bad_certificate);
    }

    @Override
    public void notifyHandshakeComplete() throws IOException {
        super.notifyHandshakeComplete();
        material = context.exportKeyingMaterial(ExporterLabel.dtls_srtp, null, 2 * (16 + Srtp.saltSize(profile)));
    }
}
