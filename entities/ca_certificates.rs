//! A CA certificate is an authority that the gateway trusts when it verifies the certificates of others.

use crate::schema::types::{AUTO_TIMESTAMP_S, CERTIFICATE, TAGS, UUID};
use crate::schema::{Context, Entity, Row, STRING, Transformation, custom, pem};

#[rustfmt::skip]
pub static CA_CERTIFICATES: Entity = Entity::new("ca_certificates")
    .doc("The certificate of an authority that is trusted when the certificates of upstreams and clients are verified.")
    .fields(&[
        ("id",          UUID),
        ("created_at",  AUTO_TIMESTAMP_S),
        ("updated_at",  AUTO_TIMESTAMP_S),
        ("cert",        CERTIFICATE.required()),
        ("cert_digest", STRING.unique()),
        ("tags",        TAGS),
    ])
    .checks(&[custom(&["cert"], &is_one_valid_authority)])
    .transformations(&[Transformation { input: &["cert"], needs: &[], on_write: Some(&|row, _| digest(row)), on_read: None }])
    .build();

fn is_one_valid_authority(row: &Row, context: &Context) -> Result<(), String> {
    match row.get("cert").and_then(|cert| cert.as_str()) {
        Some(cert) => authority(cert, context.now()).map_err(str::to_owned),
        None => Ok(()),
    }
}

/// Reports the first thing that is wrong at `now` (seconds), in Kong's order, since its checks stop there. A
/// certificate ends with the second named in it, so it is still valid in that second.
fn authority(cert: &str, now: i64) -> Result<(), &'static str> {
    if pem::certificate_count(cert) > 1 {
        return Err("please submit only one certificate at a time");
    }
    if pem::not_after(cert).is_some_and(|end| end < now) {
        return Err("certificate expired, \"Not After\" time is in the past");
    }
    if !pem::is_ca(cert) {
        return Err(
            "certificate does not appear to be a CA because it is missing the \"CA\" basic constraint",
        );
    }
    Ok(())
}

/// The digest, which is unique, is what keeps the same authority from being stored twice.
fn digest(row: &Row) -> Result<Row, String> {
    let digest = row.get("cert").and_then(|cert| pem::digest(cert.as_str()?));
    let digest = digest.ok_or_else(|| "cannot create digest value of certificate".to_owned())?;
    Ok(Row::from_iter([("cert_digest".to_owned(), digest.into())]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{authority, digest};
    use crate::schema::Row;

    /// The last second of both certificates, 2081-08-25 17:13:36.
    const END: i64 = 3_523_367_616;

    const EXPIRED: &str = "certificate expired, \"Not After\" time is in the past";

    const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBiDCCAS+gAwIBAgIUHVmJ8gL5j+L43xcLOtICk+bv0CIwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOYXV0aG9yaXR5LnRlc3QwIBcNMjYxMTIyMTcxMzM2WhgPMjA4
MTA4MjUxNzEzMzZaMBkxFzAVBgNVBAMMDmF1dGhvcml0eS50ZXN0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEdtEbnxZ2za+l7nGjepLZ6g61cbacus9f7aevKSXw
LMnE3UuWETOrVgtmDwj9ltQpiMFeDjYehpVhlrvIYRhgMaNTMFEwHQYDVR0OBBYE
FJ4DIBzjVt9+AhLVINuvcHxNPjrRMB8GA1UdIwQYMBaAFJ4DIBzjVt9+AhLVINuv
cHxNPjrRMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgXF92Ni3n
4UMWv/34U4zVznfvJBAxXehSxZoW2H3uQHQCIB2CQsu54U9Slcu/boLC84R7qEWu
NPNWnldEbKAXXg5N
-----END CERTIFICATE-----
";

    const LEAF: &str = "\
-----BEGIN CERTIFICATE-----
MIIBezCCASKgAwIBAgIUbBDaRo+gKHFsh49GnQ2GYoQtrQcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbGVhZi50ZXN0MCAXDTI2MTEyMjE3MTMzNloYDzIwODEwODI1
MTcxMzM2WjAUMRIwEAYDVQQDDAlsZWFmLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR20RufFnbNr6XucaN6ktnqDrVxtpy6z1/tp68pJfAsycTdS5YRM6tW
C2YPCP2W1CmIwV4ONh6GlWGWu8hhGGAxo1AwTjAdBgNVHQ4EFgQUngMgHONW334C
EtUg269wfE0+OtEwHwYDVR0jBBgwFoAUngMgHONW334CEtUg269wfE0+OtEwDAYD
VR0TAQH/BAIwADAKBggqhkjOPQQDAgNHADBEAiBHpCT1QC5S2wXVzZQmut4s9C8Q
YvJRnZIKyOaOy8HWHQIgDZ+l+NhQ3j/juXRm5HaQJb05nxKREZmzj4Nf8EcNugQ=
-----END CERTIFICATE-----
";

    fn row(cert: &str) -> Row {
        Row::from_iter([("cert".to_owned(), json!(cert))])
    }

    #[test]
    fn one_valid_authority() {
        assert_eq!(authority(AUTHORITY, END - 1), Ok(()));
        assert_eq!(authority(AUTHORITY, END), Ok(()));
        assert_eq!(authority(AUTHORITY, END + 1), Err(EXPIRED));
    }

    #[test]
    fn the_first_fault_hides_the_others() {
        let several = "please submit only one certificate at a time";
        assert_eq!(authority(&format!("{AUTHORITY}{AUTHORITY}"), END), Err(several));
        assert_eq!(authority(&format!("{LEAF}{LEAF}"), END + 1), Err(several));
        assert_eq!(authority(LEAF, END + 1), Err(EXPIRED));
        let no_authority =
            "certificate does not appear to be a CA because it is missing the \"CA\" basic constraint";
        assert_eq!(authority(LEAF, END), Err(no_authority));
    }

    #[test]
    fn the_digest_is_that_of_the_certificate() {
        let expected = "c80faddf315a59d3fd474376f5323d8d3ae69b21e5c47214baf87aab843002a5";
        assert_eq!(
            digest(&row(AUTHORITY)),
            Ok(Row::from_iter([("cert_digest".to_owned(), json!(expected))]))
        );
        assert_eq!(
            digest(&row("no certificate")),
            Err("cannot create digest value of certificate".to_owned())
        );
    }
}
