package buckets

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/minio/minio-go/v7"

	"stile.example/stile/corpus/replica"
)

// advice is what an error of the service means, and what the operator can do.
type advice struct{ cause, fix string }

var (
	badLogin = advice{"the service refuses the credentials or the request",
		"check the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the file in ?credentials= or the role of the machine), what they may do, the region, and the clock of this machine"}
	oldLogin = advice{"the credentials have expired", "get new ones; a role of the machine renews them itself"}
	noBucket = advice{"the bucket does not exist", "create it, and allow these credentials to read, write, list and delete its objects; or correct its name in corpus_store"}
	badName  = advice{"the name of the bucket is not valid", "correct it in corpus_store: s3://NAME/PREFIX"}
	badClock = advice{"the clock of this machine differs too much from that of the service", "set it by NTP (timedatectl)"}
	region   = advice{"the bucket is in another region", "set ?region= in corpus_store to that of the bucket, and the endpoint to that of the region"}
	noReason = advice{"the service refuses the request, and gives no reason", "check ?region= in corpus_store: that of another region is the usual cause"}
	tooMany  = advice{"the service is busy or limits requests", "nothing must be done if it ends by itself, because stile tries again; otherwise raise the limits of the service"}
	broken   = advice{"the service has an internal error", "see its log or its status page; stile tries again"}
	full     = advice{"the service has no space", "add space, or raise the quota of the bucket"}
)

// adviceByCode has the errors that operators meet, by their codes in S3. Services that are
// compatible with it use the same.
var adviceByCode = map[string]advice{
	"AccessDenied":                       badLogin,
	"InvalidAccessKeyId":                 badLogin,
	"SignatureDoesNotMatch":              badLogin,
	"ExpiredToken":                       oldLogin,
	"InvalidToken":                       oldLogin,
	"NoSuchBucket":                       noBucket,
	"InvalidBucketName":                  badName,
	"RequestTimeTooSkewed":               badClock,
	"AuthorizationHeaderMalformed":       region,
	"IllegalLocationConstraintException": region,
	"InvalidRegion":                      region,
	"PermanentRedirect":                  region,
	"400 Bad Request":                    noReason, // what minio-go makes of a response without a body
	"RequestLimitExceeded":               tooMany,
	"ServiceUnavailable":                 tooMany,
	"SlowDown":                           tooMany,
	"SlowDownRead":                       tooMany,
	"SlowDownWrite":                      tooMany,
	"Throttling":                         tooMany,
	"InternalError":                      broken,
	"QuotaExceeded":                      full,
	"XMinioStorageFull":                  full,
}

// explain adds to an error which bucket it is about, what it means, and what to do.
func (c *Chunks) explain(err error) error {
	if err == nil {
		return nil
	}
	response, _ := errors.AsType[minio.ErrorResponse](err)
	if response.Code == minio.NoSuchKey {
		return fmt.Errorf("%s: %w", c.config, replica.ErrNone)
	}
	if a, known := adviceFor(response.Code, err); known {
		return fmt.Errorf("%s: %s: %s (%w)", c.config, a.cause, a.fix, err)
	}
	return fmt.Errorf("%s: %w", c.config, err)
}

// adviceFor finds the advice for an error of the service, or of reaching it.
func adviceFor(code string, err error) (a advice, known bool) {
	if a, known = adviceByCode[code]; known {
		return a, true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return advice{"the certificate of the service is not trusted", "check the endpoint in corpus_store, and name the certificate of its authority with ?ca=FILE"}, true
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return advice{"the bucket's server can't be reached", "check the endpoint in corpus_store, and that the server runs"}, true
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return advice{"the file of the credentials can't be read", "correct the path in ?credentials=, and let the user that runs stile read it"}, true
	}
	return a, false
}
