//! Produces what TLS takes on the client's side: authorities, certificates of theirs, and connections. A client trusts
//! the authority that it is given and nobody else.

use std::io::{Error, Result};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

/// A connection over TLS.
pub type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Who signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    /// A new authority.
    pub fn new() -> Authority {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Authority(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate.
    pub fn certificate(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names, of a key of a fresh one of that kind.
    pub fn sign(&self, names: &[&str], kind: &'static rcgen::SignatureAlgorithm) -> Pair {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate_for(kind).unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.0).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// How a client shakes hands.
pub struct Client {
    /// The authority that it trusts, or the very certificate, as PEM.
    pub trusts: String,
    /// What it shows.
    pub shows: Option<Pair>,
    /// The name that it asks for.
    pub name: &'static str,
    /// What it can speak, the best first.
    pub protocols: &'static [&'static str],
    /// The version of TLS.
    pub version: &'static SupportedProtocolVersion,
}

impl Client {
    /// One that trusts this authority, and has nothing special about it.
    pub fn trusting(certificate: String) -> Client {
        Client {
            trusts: certificate,
            shows: None,
            name: "localhost",
            protocols: &[],
            version: &rustls::version::TLS13,
        }
    }

    /// Connects and shakes hands.
    pub fn connect(&self, address: SocketAddr) -> Result<Stream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.trusts.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[self.version])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.shows {
            None => builder.with_no_client_auth(),
            Some(Pair { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                builder
                    .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
                    .unwrap()
            }
        };
        config.alpn_protocols = self.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(self.name).unwrap();
        let client = ClientConnection::new(Arc::new(config), name).map_err(Error::other)?;
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut stream = StreamOwned::new(client, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }
}

/// The certificate that the server has shown, in DER.
pub fn shown(stream: &Stream) -> Vec<u8> {
    stream.conn.peer_certificates().unwrap()[0].to_vec()
}

/// A certificate out of PEM, in DER.
pub fn der(certificate: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap().to_vec()
}
