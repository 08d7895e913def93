package example;

import java.time.Duration;
import java.util.Map;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.security.oauth2.client.endpoint.OAuth2ClientCredentialsGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientClientCredentialsTokenResponseClient;
import org.springframework.security.oauth2.client.http.OAuth2ErrorResponseErrorHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.OAuth2AuthorizationException;
import org.springframework.security.oauth2.core.http.converter.OAuth2AccessTokenResponseHttpMessageConverter;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

/**
 * A tenant's token endpoint in Java. Each of the tenant's pages sends POST /stile/token, and gets a
 * token of its own from the publisher's stile.
 */
@SpringBootApplication
@RestController
public class TenantBackend {
  private final RestClientClientCredentialsTokenResponseClient client =
      new RestClientClientCredentialsTokenResponseClient();
  private final ClientRegistration publisher;

  TenantBackend(@Value("${STILE_API}") String api, @Value("${STILE_CLIENT_ID}") String id,
      @Value("${STILE_CLIENT_SECRET}") String secret) {
    publisher = ClientRegistration.withRegistrationId("stile").clientId(id).clientSecret(secret)
        .tokenUri(api + "/oauth/token").authorizationGrantType(AuthorizationGrantType.CLIENT_CREDENTIALS)
        .build();
    client.setRestClient(withTimeout());
  }

  /** Returns Spring's default client for tokens, with a timeout: the default has none. */
  private static RestClient withTimeout() {
    var requests = new JdkClientHttpRequestFactory();
    requests.setReadTimeout(Duration.ofSeconds(5));
    return RestClient.builder().requestFactory(requests)
        .configureMessageConverters(c -> c.addCustomConverter(new OAuth2AccessTokenResponseHttpMessageConverter()))
        .defaultStatusHandler(new OAuth2ErrorResponseErrorHandler()).build();
  }

  @PostMapping("/stile/token")
  ResponseEntity<Map<String, String>> token(@RequestHeader HttpHeaders headers) {
    if (!sameOrigin(headers)) {
      return respond(HttpStatus.FORBIDDEN, "error", "Only pages of this site can get a token.");
    }
    try {
      // This client requests a new token each time. Spring's OAuth2AuthorizedClientManager caches a
      // token until it expires, so all visitors would get the same one. It would be bound to the
      // first visitor, and die when the second uses it.
      var fresh = client.getTokenResponse(new OAuth2ClientCredentialsGrantRequest(publisher));
      return respond(HttpStatus.OK, "access_token", fresh.getAccessToken().getTokenValue());
    } catch (OAuth2AuthorizationException e) {
      LoggerFactory.getLogger(TenantBackend.class).error("can't get a token from the publisher: {}", e.getMessage());
      return respond(HttpStatus.BAD_GATEWAY, "error", "The publisher does not provide tokens at the moment.");
    }
  }

  /**
   * Reports whether a page of this site sent the request. Browsers always say so, and a page can't
   * forge it, but a program can. Check your visitor's session here too, and limit the tokens of
   * each visitor.
   */
  private static boolean sameOrigin(HttpHeaders headers) {
    var site = headers.getFirst("Sec-Fetch-Site");
    if (site != null) {
      return site.equals("same-origin");
    }
    var origin = headers.getFirst("Origin"); // for older browsers, and for plain HTTP
    var host = headers.getFirst("Host");
    return ("https://" + host).equals(origin) || ("http://" + host).equals(origin);
  }

  private static ResponseEntity<Map<String, String>> respond(HttpStatus status, String name, String value) {
    return ResponseEntity.status(status).cacheControl(CacheControl.noStore()).body(Map.of(name, value));
  }

  public static void main(String[] args) {
    SpringApplication.run(TenantBackend.class, args);
  }
}
