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
 * A tenant's token endpoint in Java: the tenant's pages POST to /stile/token,
 * and get a token of their own from the publisher's stile.
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
    client.setRestClient(impatient());
  }

  /** Spring's own way to ask for tokens has no time limit; this is the same with one. */
  private static RestClient impatient() {
    var requests = new JdkClientHttpRequestFactory();
    requests.setReadTimeout(Duration.ofSeconds(5));
    return RestClient.builder().requestFactory(requests)
        .configureMessageConverters(c -> c.addCustomConverter(new OAuth2AccessTokenResponseHttpMessageConverter()))
        .defaultStatusHandler(new OAuth2ErrorResponseErrorHandler()).build();
  }

  @PostMapping("/stile/token")
  ResponseEntity<Map<String, String>> token(@RequestHeader HttpHeaders headers) {
    if (!sameOrigin(headers)) {
      return answer(HttpStatus.FORBIDDEN, "error", "Only this site's own pages get a token here.");
    }
    try {
      // This client asks each time. Spring's OAuth2AuthorizedClientManager keeps
      // a token until it expires, which would give all visitors the same one: it
      // is bound to the first of them, and dies with the second.
      var fresh = client.getTokenResponse(new OAuth2ClientCredentialsGrantRequest(publisher));
      return answer(HttpStatus.OK, "access_token", fresh.getAccessToken().getTokenValue());
    } catch (OAuth2AuthorizationException e) {
      LoggerFactory.getLogger(TenantBackend.class).error("no token from the publisher: {}", e.getMessage());
      return answer(HttpStatus.BAD_GATEWAY, "error", "The publisher gives no token at the moment.");
    }
  }

  /**
   * Says that a page of this very site asks. Every browser says so, and no page
   * can lie. Programs can: check your visitor's session here too, and limit how
   * many tokens one gets.
   */
  private static boolean sameOrigin(HttpHeaders headers) {
    var site = headers.getFirst("Sec-Fetch-Site");
    if (site != null) {
      return site.equals("same-origin");
    }
    var origin = headers.getFirst("Origin"); // what is left for older browsers, and for plain http
    var host = headers.getFirst("Host");
    return ("https://" + host).equals(origin) || ("http://" + host).equals(origin);
  }

  private static ResponseEntity<Map<String, String>> answer(HttpStatus status, String name, String value) {
    return ResponseEntity.status(status).cacheControl(CacheControl.noStore()).body(Map.of(name, value));
  }

  public static void main(String[] args) {
    SpringApplication.run(TenantBackend.class, args);
  }
}
