/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-probe: name, connection, certificate, and whether it is a bus that answers. */

#include "sb-cli-probe.h"

#include <glib/gi18n.h>
#include <string.h>

/* Of an answer that is looked at. */
#define MAX_ANSWER 65536

#define N_ROUND_TRIPS 5

/* Certificates are renewed a month before they end, as a rule. */
#define DAYS_OF_GRACE 14

/* --- Life --- */

/* What a client would use as well. Returns: (nullable) */
static const char *
get_proxy (const char *url)
{
  const char *proxy = g_getenv (g_str_has_prefix (url, "https:") ? "https_proxy" : "http_proxy");

  return proxy != NULL && *proxy != '\0' ? proxy : NULL;
}

static GProxyResolver *
make_proxy_resolver (const char *url)
{
  const char *proxy = get_proxy (url);
  const char *exceptions = g_getenv ("no_proxy");
  g_auto (GStrv) ignored = g_strsplit_set (exceptions != NULL ? exceptions : "", ", ", -1);

  return proxy != NULL ? g_simple_proxy_resolver_new (proxy, ignored) : NULL;
}

/**
 * sb_cli_probe_new:
 * @checkup: where findings go; it must outlive the probe
 * @settings: of the bus; they must outlive the probe
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): a probe; %NULL when the certificates to be trusted cannot be
 * read
 */
SbCliProbe *
sb_cli_probe_new (SbCliCheckup *checkup, const SbCliSettings *settings, GError **error)
{
  g_autoptr (GProxyResolver) resolver = make_proxy_resolver (settings->url);
  g_autoptr (GTlsDatabase) database = NULL;
  SbCliProbe *self;

  if (settings->ca_file != NULL)
    {
      g_autofree char *absolute = g_canonicalize_filename (settings->ca_file, NULL);

      database = g_tls_file_database_new (absolute, error);
      if (database == NULL)
        return NULL;
    }
  self = g_new0 (SbCliProbe, 1);
  self->checkup = checkup;
  self->settings = settings;
  self->session = soup_session_new_with_options ("proxy-resolver", resolver, "timeout",
                                                 SB_CLI_PROBE_TIMEOUT, "user-agent",
                                                 "simplebus-doctor ", NULL);
  if (database != NULL)
    soup_session_set_tls_database (self->session, database);
  return self;
}

/**
 * sb_cli_probe_free:
 * @self: (transfer full): a probe
 *
 * Frees it, and closes what is open.
 */
void
sb_cli_probe_free (SbCliProbe *self)
{
  soup_session_abort (self->session);
  g_object_unref (self->session);
  g_clear_object (&self->certificate);
  g_free (self);
}

/* --- The name --- */

static char *
join_addresses (GList *addresses)
{
  GString *text = g_string_new (NULL);

  for (GList *l = addresses; l != NULL; l = l->next)
    {
      g_autofree char *address = g_inet_address_to_string (l->data);

      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", address);
    }
  return g_string_free (text, FALSE);
}

/**
 * sb_cli_probe_check_name:
 * @self: a probe
 *
 * Looks the name of the bus's machine up, and says which proxy is before it on this side.
 */
void
sb_cli_probe_check_name (SbCliProbe *self)
{
  const char *proxy = get_proxy (self->settings->url);
  g_autoptr (GUri) uri = g_uri_parse (self->settings->url, G_URI_FLAGS_NONE, NULL);
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  g_autoptr (GError) error = NULL;
  GList *addresses = g_resolver_lookup_by_name (resolver, g_uri_get_host (uri), NULL, &error);
  g_autofree char *joined = join_addresses (addresses);

  g_resolver_free_addresses (addresses);
  if (proxy != NULL)
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "proxy", SB_CLI_VERDICT_OK, NULL,
                        _ ("The environment names a proxy, %s; no_proxy names what is reached "
                           "without it"),
                        proxy);
  if (error == NULL)
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "name", SB_CLI_VERDICT_OK, NULL, "%s: %s",
                        g_uri_get_host (uri), joined);
  else
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "name",
                        proxy != NULL ? SB_CLI_VERDICT_OK : SB_CLI_VERDICT_ERROR,
                        proxy != NULL
                            ? NULL
                            : _ ("See whether the address is spelt right, and this machine online"),
                        _ ("%s is not known here: %s"), g_uri_get_host (uri), error->message);
}

/* --- Requests --- */

static gboolean
accept_certificate_cb (SoupMessage *message, GTlsCertificate *certificate,
                       GTlsCertificateFlags faults, gpointer user_data)
{
  SbCliProbe *self = user_data;

  g_set_object (&self->certificate, certificate);
  self->faults = faults;
  return FALSE;
}

/**
 * sb_cli_probe_new_message:
 * @self: a probe
 * @url: where to
 *
 * Returns: (transfer full) (nullable): a request without a log-in; %NULL when that is no address
 */
SoupMessage *
sb_cli_probe_new_message (SbCliProbe *self, const char *url)
{
  SoupMessage *message = soup_message_new ("GET", url);

  if (message == NULL)
    return NULL;
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_DO_NOT_USE_AUTH_CACHE);
  g_signal_connect (message, "accept-certificate", G_CALLBACK (accept_certificate_cb), self);
  return message;
}

/* @seconds: (out): until the answer began. Returns: (transfer full) (nullable): its body */
static char *
ask (SbCliProbe *self, SoupMessage *message, double *seconds, GError **error)
{
  gint64 begin = g_get_monotonic_time ();
  g_autoptr (GInputStream) stream = soup_session_send (self->session, message, NULL, error);
  g_autofree char *answer = g_malloc0 (MAX_ANSWER + 1);
  gsize length;

  *seconds = (double) (g_get_monotonic_time () - begin) / G_USEC_PER_SEC;
  if (stream == NULL || !g_input_stream_read_all (stream, answer, MAX_ANSWER, &length, NULL, error))
    return NULL;
  if (soup_message_get_tls_peer_certificate (message) != NULL)
    g_set_object (&self->certificate, soup_message_get_tls_peer_certificate (message));
  return g_steal_pointer (&answer);
}

/* --- Certificates --- */

static const char *
describe_faults (GTlsCertificateFlags faults)
{
  if (faults & G_TLS_CERTIFICATE_EXPIRED)
    return _ ("it has expired");
  if (faults & G_TLS_CERTIFICATE_NOT_ACTIVATED)
    return _ ("it is not valid yet, or this machine's clock is wrong");
  if (faults & G_TLS_CERTIFICATE_BAD_IDENTITY)
    return _ ("it is for another name");
  if (faults & G_TLS_CERTIFICATE_REVOKED)
    return _ ("it was revoked");
  if (faults & G_TLS_CERTIFICATE_UNKNOWN_CA)
    return _ ("nobody whom this machine trusts has signed it");
  return _ ("it is not safe");
}

static const char *
advise_on_faults (GTlsCertificateFlags faults)
{
  if (faults & (G_TLS_CERTIFICATE_EXPIRED | G_TLS_CERTIFICATE_NOT_ACTIVATED))
    return _ ("Renew the certificate, and let the proxy or the bus read it: systemctl reload");
  if (faults & G_TLS_CERTIFICATE_BAD_IDENTITY)
    return _ ("Use the name that the certificate is for, or get one for this name");
  if (faults & G_TLS_CERTIFICATE_UNKNOWN_CA)
    return _ ("Let the server send the whole chain (fullchain.pem), or name who signed it by "
              "ca-file in client.ini");
  return _ ("Get another certificate");
}

/* Returns: (nullable): the end of the one that ends first in what the server sent */
static GDateTime *
get_end (GTlsCertificate *certificate)
{
  GDateTime *end = NULL;

  for (; certificate != NULL; certificate = g_tls_certificate_get_issuer (certificate))
    {
      GDateTime *next = g_tls_certificate_get_not_valid_after (certificate);

      if (end == NULL || (next != NULL && g_date_time_compare (next, end) < 0))
        {
          g_clear_pointer (&end, g_date_time_unref);
          end = next;
        }
      else
        g_clear_pointer (&next, g_date_time_unref);
    }
  return end;
}

static void
add_certificate (SbCliProbe *self)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) end = self->certificate != NULL ? get_end (self->certificate) : NULL;
  g_autofree char *day = end != NULL ? g_date_time_format (end, "%Y-%m-%d") : NULL;
  int days = end != NULL ? (int) (g_date_time_difference (end, now) / G_TIME_SPAN_DAY) : 0;

  if (self->certificate == NULL)
    return;
  if (self->faults != 0)
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "certificate", SB_CLI_VERDICT_ERROR,
                        advise_on_faults (self->faults), _ ("The certificate is refused: %s"),
                        describe_faults (self->faults));
  else if (end != NULL && days < DAYS_OF_GRACE)
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "certificate", SB_CLI_VERDICT_WARNING,
                        _ ("See why it was not renewed"),
                        _ ("The certificate ends in %d days, on %s"), days, day);
  else if (end != NULL)
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "certificate", SB_CLI_VERDICT_OK, NULL,
                        _ ("The certificate is valid for %d days more, to %s"), days, day);
}

/* --- HTTP --- */

static const char *
advise_on (const GError *error)
{
  if (error->domain == G_RESOLVER_ERROR)
    return _ ("See whether the address is spelt right, and this machine online");
  if (error->domain == G_TLS_ERROR)
    return _ ("See whether that port speaks TLS: is it http:// in place of https://?");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return _ ("Nobody listens there. On the server: systemctl status simplebus, and \"listen\" in "
              "simplebus.ini");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return _ (
        "A firewall may drop it: open the port on the server and before it. Or the port speaks "
        "no TLS: is it http:// in place of https://?");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE))
    return _ ("See whether this machine is online, and the server up");
  if (error->domain == G_IO_ERROR)
    return _ ("See whether that port speaks HTTP: is it https:// in place of http://?");
  return _ ("See the log of the bus, and of the proxy before it");
}

/**
 * sb_cli_probe_add_failure:
 * @self: a probe
 * @name: of the check
 * @url: what was asked
 * @error: why there was no answer
 *
 * Says so, and what to do.
 */
void
sb_cli_probe_add_failure (SbCliProbe *self, const char *name, const char *url, const GError *error)
{
  gboolean is_certificate = self->faults != 0 && error->domain == G_TLS_ERROR;

  sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, name, SB_CLI_VERDICT_ERROR,
                      is_certificate ? advise_on_faults (self->faults) : advise_on (error),
                      _ ("%s cannot be reached: %s"), url,
                      is_certificate ? describe_faults (self->faults) : error->message);
}

/* The Date of an answer is cut to seconds. */
static void
note_clock (SbCliProbe *self, SoupMessage *message, double seconds)
{
  const char *text = soup_message_headers_get_one (soup_message_get_response_headers (message),
                                                   "Date");
  g_autoptr (GDateTime) date = text != NULL ? soup_date_time_new_from_http_string (text) : NULL;
  double here = (double) g_get_real_time () / G_USEC_PER_SEC - seconds / 2;

  if (date == NULL)
    return;
  self->clock_offset = (double) g_date_time_to_unix (date) + 0.5 - here;
  self->has_clock = TRUE;
}

static void
add_stranger (SbCliProbe *self, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  const char *location = soup_message_headers_get_one (headers, "Location");
  const char *url = self->settings->url;
  guint status = soup_message_get_status (message);

  if (status >= 502 && status <= 504)
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "http", SB_CLI_VERDICT_ERROR,
                        _ ("Start the bus, and see whether the proxy knows its port"),
                        _ ("A proxy answers at %s, but the bus behind it does not: %u %s"), url,
                        status, soup_status_get_phrase (status));
  else if (status >= 300 && status < 400 && location != NULL)
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "http", SB_CLI_VERDICT_ERROR,
                        _ ("Use that address: messages are never sent on to another one"),
                        _ ("%s sends us on to %s"), url, location);
  else
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "http", SB_CLI_VERDICT_ERROR,
                        _ ("See whether address and port are the bus's, 2555 as a rule, and "
                           "whether it is https:// in place of http://"),
                        _ ("What answers at %s is no bus: %u %s"), url, status,
                        soup_status_get_phrase (status));
}

static void
add_ready (SbCliProbe *self)
{
  g_autofree char *url = g_strconcat (self->settings->url, "/readyz", NULL);
  g_autoptr (SoupMessage) message = sb_cli_probe_new_message (self, url);
  g_autoptr (GError) error = NULL;
  double seconds;
  g_autofree char *answer = ask (self, message, &seconds, &error);

  if (answer == NULL)
    sb_cli_probe_add_failure (self, "http", url, error);
  else if (soup_message_get_status (message) == 200)
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "http", SB_CLI_VERDICT_OK, NULL,
                        _ ("A bus answers at %s, and accepts messages"), self->settings->url);
  else
    sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "http", SB_CLI_VERDICT_ERROR,
                        _ ("What the bus says below, or its log, tells why"),
                        _ ("A bus answers at %s, but accepts no messages now: %u %s"),
                        self->settings->url, soup_message_get_status (message),
                        soup_status_get_phrase (soup_message_get_status (message)));
}

/**
 * sb_cli_probe_check_http:
 * @self: a probe
 *
 * Looks whether a bus answers over HTTP, and over TLS at its certificate.
 *
 * Returns: whether one does
 */
gboolean
sb_cli_probe_check_http (SbCliProbe *self)
{
  g_autofree char *url = g_strconcat (self->settings->url, "/healthz", NULL);
  g_autoptr (SoupMessage) message = sb_cli_probe_new_message (self, url);
  g_autoptr (GError) error = NULL;
  double seconds;
  g_autofree char *answer = ask (self, message, &seconds, &error);
  gboolean is_bus = answer != NULL && soup_message_get_status (message) == 200
                    && strcmp (answer, "ok\n") == 0;

  if (answer == NULL && self->faults == 0)
    sb_cli_probe_add_failure (self, "http", self->settings->url, error);
  else if (is_bus)
    add_ready (self);
  else if (answer != NULL)
    add_stranger (self, message);
  add_certificate (self);
  if (is_bus)
    note_clock (self, message, seconds);
  return is_bus;
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  double left = *(const double *) a;
  double right = *(const double *) b;

  return (left > right) - (left < right);
}

/**
 * sb_cli_probe_check_round_trip:
 * @self: a probe of what answered already
 *
 * Measures how long a request takes on a connection that is open.
 */
void
sb_cli_probe_check_round_trip (SbCliProbe *self)
{
  g_autofree char *url = g_strconcat (self->settings->url, "/healthz", NULL);
  double times[N_ROUND_TRIPS];

  for (guint i = 0; i < N_ROUND_TRIPS; i++)
    {
      g_autoptr (SoupMessage) message = sb_cli_probe_new_message (self, url);
      g_autoptr (GError) error = NULL;
      g_autofree char *answer = ask (self, message, &times[i], &error);

      if (answer == NULL)
        {
          sb_cli_probe_add_failure (self, "round-trip", self->settings->url, error);
          return;
        }
    }
  qsort (times, N_ROUND_TRIPS, sizeof *times, compare_times);
  sb_cli_checkup_add (self->checkup, SB_CLI_PLACE_HERE, "round-trip", SB_CLI_VERDICT_OK, NULL,
                      _ ("A request takes %.1f ms, the slowest of %d took %.1f ms"),
                      times[N_ROUND_TRIPS / 2] * 1000, N_ROUND_TRIPS,
                      times[N_ROUND_TRIPS - 1] * 1000);
}
