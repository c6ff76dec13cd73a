/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client: the object that programs see. What it does is done by its parts (sb-client-private.h
 * says how they hang together); here are its properties and its signals; the calls are in
 * sb-client-calls.c.
 */

#include "sb-client.h"

#include "sb-client-enums.h"
#include "sb-client-json.h"
#include "sb-client-outbox.h"
#include "sb-client-parts.h"

#include <string.h>

/**
 * SbClient:
 *
 * A user of a bus: sends and receives messages and files.
 *
 * sb_client_connect_async() opens a session, on which messages come and receipts; it is opened
 * again whenever it breaks, until sb_client_close_async(). A user has one session at the bus, so a
 * second client of the same user takes it over.
 *
 * With [property@SimpleBus.Client:state-dir] nothing is lost on this side: messages are in an
 * outbox on disk before they are sent, and files go on where they stopped, over restarts of the
 * program. One client at a time may have such a folder.
 *
 * A client belongs to the main context that was the thread's default when it was made. Its signals
 * come there, and its functions are called there.
 */
struct _SbClient
{
  GObject parent_instance;

  SbClientSettings settings;
  SbClientParts *parts; /* (owned) */
  SoupSession *http;    /* (owned) (nullable): made when it is needed */
  SbClientState state;
  gint64 pending;
};

G_DEFINE_FINAL_TYPE (SbClient, sb_client, G_TYPE_OBJECT)

typedef enum
{
  PROP_URL = 1,
  PROP_WEBSOCKET_URL,
  PROP_USER,
  PROP_PASSWORD,
  PROP_STATE_DIR,
  PROP_DOWNLOAD_DIR,
  PROP_TLS_DATABASE,
  PROP_AUTO_CONFIRM,
  PROP_RECEIPTS,
  PROP_STATE,
  PROP_PENDING,
  PROP_OUTBOX_LENGTH,
  N_PROPERTIES,
} Property;

typedef enum
{
  SIGNAL_MESSAGE,
  SIGNAL_MESSAGE_DOWNLOAD,
  SIGNAL_CONFIRMATION,
  SIGNAL_EXPIRED,
  SIGNAL_ACCEPTED,
  SIGNAL_ERROR,
  SIGNAL_STATE,
  SIGNAL_TRANSFER,
  N_SIGNALS,
} Signal;

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

/* --- Lifecycle --- */

static void
sb_client_dispose (GObject *object)
{
  SbClient *self = SB_CLIENT (object);

  g_clear_pointer (&self->parts, sb_client_parts_free);
  if (self->http != NULL)
    soup_session_abort (self->http);
  g_clear_object (&self->http);
  G_OBJECT_CLASS (sb_client_parent_class)->dispose (object);
}

static void
sb_client_finalize (GObject *object)
{
  SbClient *self = SB_CLIENT (object);

  g_free (self->settings.url);
  g_free (self->settings.websocket_url);
  g_free (self->settings.user);
  g_free (self->settings.password);
  g_free (self->settings.state_dir);
  g_free (self->settings.download_dir);
  g_clear_object (&self->settings.tls_database);
  G_OBJECT_CLASS (sb_client_parent_class)->finalize (object);
}

/* Both ports of the bus speak both protocols, so one address is enough. */
static char *
derive_websocket_url (const char *url)
{
  if (!g_str_has_prefix (url, "http"))
    return g_strdup ("");
  return g_strconcat ("ws", url + strlen ("http"), "/ws", NULL);
}

static void
sb_client_constructed (GObject *object)
{
  SbClient *self = SB_CLIENT (object);
  SbClientSettings *settings = &self->settings;

  G_OBJECT_CLASS (sb_client_parent_class)->constructed (object);
  if (settings->url == NULL)
    settings->url = g_strdup ("");
  if (settings->user == NULL)
    settings->user = g_strdup ("");
  while (g_str_has_suffix (settings->url, "/"))
    settings->url[strlen (settings->url) - 1] = '\0';
  if (settings->websocket_url == NULL)
    settings->websocket_url = derive_websocket_url (settings->url);
  self->parts = sb_client_parts_new (self);
}

static void
sb_client_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SbClient *self = SB_CLIENT (object);

  switch ((Property) id)
    {
    case PROP_URL:
      g_value_set_string (value, self->settings.url);
      break;
    case PROP_WEBSOCKET_URL:
      g_value_set_string (value, self->settings.websocket_url);
      break;
    case PROP_USER:
      g_value_set_string (value, self->settings.user);
      break;
    case PROP_STATE_DIR:
      g_value_set_string (value, self->settings.state_dir);
      break;
    case PROP_DOWNLOAD_DIR:
      g_value_set_string (value, self->settings.download_dir);
      break;
    case PROP_TLS_DATABASE:
      g_value_set_object (value, self->settings.tls_database);
      break;
    case PROP_AUTO_CONFIRM:
      g_value_set_boolean (value, self->settings.auto_confirm);
      break;
    case PROP_RECEIPTS:
      g_value_set_boolean (value, self->settings.receipts);
      break;
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_PENDING:
      g_value_set_int64 (value, self->pending);
      break;
    case PROP_OUTBOX_LENGTH:
      g_value_set_uint (value, sb_client_get_outbox_length (self));
      break;
    case PROP_PASSWORD:
    case N_PROPERTIES:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

/* Threads work with absolute paths, whatever the program's folder is by then. */
static char *
dup_absolute_path (const GValue *value)
{
  const char *path = g_value_get_string (value);

  return path != NULL && *path != '\0' ? g_canonicalize_filename (path, NULL) : NULL;
}

static void
sb_client_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SbClientSettings *settings = &SB_CLIENT (object)->settings;

  switch ((Property) id)
    {
    case PROP_URL:
      settings->url = g_value_dup_string (value);
      break;
    case PROP_WEBSOCKET_URL:
      settings->websocket_url = g_value_dup_string (value);
      break;
    case PROP_USER:
      settings->user = g_value_dup_string (value);
      break;
    case PROP_PASSWORD:
      settings->password = g_value_dup_string (value);
      break;
    case PROP_STATE_DIR:
      settings->state_dir = dup_absolute_path (value);
      break;
    case PROP_DOWNLOAD_DIR:
      settings->download_dir = dup_absolute_path (value);
      break;
    case PROP_TLS_DATABASE:
      settings->tls_database = g_value_dup_object (value);
      break;
    case PROP_AUTO_CONFIRM:
      settings->auto_confirm = g_value_get_boolean (value);
      break;
    case PROP_RECEIPTS:
      settings->receipts = g_value_get_boolean (value);
      break;
    case PROP_STATE:
    case PROP_PENDING:
    case PROP_OUTBOX_LENGTH:
    case N_PROPERTIES:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

/* --- Class --- */

static GParamSpec *
constructed_string (const char *name, const char *nick)
{
  return g_param_spec_string (name, nick, nick, NULL,
                              G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
}

static void
install_settings (GObjectClass *class)
{
  const GParamFlags constructed = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY
                                  | G_PARAM_STATIC_STRINGS;

  /**
   * SbClient:url:
   *
   * Of the bus over HTTP, such as `http://bus.example:2555`.
   */
  properties[PROP_URL] = constructed_string ("url", "Address of the bus over HTTP");
  /**
   * SbClient:websocket-url:
   *
   * Of the bus over WebSocket. %NULL at first: `/ws` at [property@SimpleBus.Client:url].
   */
  properties[PROP_WEBSOCKET_URL] = constructed_string ("websocket-url",
                                                       "Address of the bus over WebSocket");
  /**
   * SbClient:user:
   *
   * Id of the user.
   */
  properties[PROP_USER] = constructed_string ("user", "Id of the user");
  /**
   * SbClient:password:
   *
   * The user's password; it is never given back.
   */
  properties[PROP_PASSWORD] = g_param_spec_string ("password", "Password", "Password", NULL,
                                                   G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY
                                                       | G_PARAM_STATIC_STRINGS);
  /**
   * SbClient:state-dir:
   *
   * Folder of the outbox and of files under way; it is made when it is needed. Without it messages
   * that the bus has not accepted end with the program, and no files are sent or received.
   */
  properties[PROP_STATE_DIR] = constructed_string ("state-dir", "Folder of what is under way");
  /**
   * SbClient:download-dir:
   *
   * Folder into which files are received. Without it the notices of files are messages like others.
   */
  properties[PROP_DOWNLOAD_DIR] = constructed_string ("download-dir", "Folder of received files");
  /**
   * SbClient:tls-database:
   *
   * Whom to trust, over TLS. %NULL: whom the system trusts.
   */
  properties[PROP_TLS_DATABASE] = g_param_spec_object (
      "tls-database", "Whom to trust", "Whom to trust", G_TYPE_TLS_DATABASE, constructed);
  /**
   * SbClient:auto-confirm:
   *
   * Whether messages and files are confirmed when the handlers of their signal have returned;
   * otherwise by [method@SimpleBus.Client.confirm].
   */
  properties[PROP_AUTO_CONFIRM] = g_param_spec_boolean (
      "auto-confirm", "Confirm what was handled", "Confirm what was handled", TRUE, constructed);
  /**
   * SbClient:receipts:
   *
   * Whether the bus tells of confirmations of what was sent.
   */
  properties[PROP_RECEIPTS] = g_param_spec_boolean ("receipts", "Ask for receipts",
                                                    "Ask for receipts", TRUE, constructed);
}

static void
install_readings (void)
{
  const GParamFlags reading = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * SbClient:state:
   *
   * How it stands with the session.
   */
  properties[PROP_STATE] = g_param_spec_enum ("state", "State of the session",
                                              "State of the session", SB_TYPE_CLIENT_STATE,
                                              SB_CLIENT_STATE_CLOSED, reading);
  /**
   * SbClient:pending:
   *
   * How many deliveries waited when the session was opened; -1: the bus did not say.
   */
  properties[PROP_PENDING] = g_param_spec_int64 (
      "pending", "Deliveries that waited", "Deliveries that waited", -1, G_MAXINT64, -1, reading);
  /**
   * SbClient:outbox-length:
   *
   * How many messages the bus has not accepted yet.
   */
  properties[PROP_OUTBOX_LENGTH] = g_param_spec_uint (
      "outbox-length", "Messages to be sent", "Messages to be sent", 0, G_MAXUINT, 0, reading);
}

static guint
new_signal (const char *name, guint n_parameters, ...)
{
  va_list types;
  guint id;

  va_start (types, n_parameters);
  id = g_signal_new_valist (name, SB_TYPE_CLIENT, G_SIGNAL_RUN_LAST, NULL, NULL, NULL, NULL,
                            G_TYPE_NONE, n_parameters, types);
  va_end (types);
  return id;
}

static void
install_signals_of_arrivals (void)
{
  /**
   * SbClient::message:
   * @self: the client
   * @message: what came
   *
   * A message came. It is seen once by a program that does not crash; after a crash, or without a
   * confirmation, it comes again.
   */
  signals[SIGNAL_MESSAGE] = new_signal ("message", 1, SB_TYPE_CLIENT_MESSAGE);
  /**
   * SbClient::message-download:
   * @self: the client
   * @message: the notice of the file
   * @path: where the file is
   *
   * A file came: it is whole, flushed and in its place. The program may move it in the handler.
   */
  signals[SIGNAL_MESSAGE_DOWNLOAD] = new_signal ("message-download", 2, SB_TYPE_CLIENT_MESSAGE,
                                                 G_TYPE_STRING);
  /**
   * SbClient::transfer:
   * @self: the client
   * @transfer: a file on its way
   *
   * A transfer was begun, or taken up again.
   */
  signals[SIGNAL_TRANSFER] = new_signal ("transfer", 1, SB_TYPE_CLIENT_TRANSFER);
  /**
   * SbClient::state:
   * @self: the client
   * @state: the state from now on
   * @reason: (nullable): why, when it is not as it should be
   *
   * The session is in another state.
   */
  signals[SIGNAL_STATE] = new_signal ("state", 2, SB_TYPE_CLIENT_STATE, G_TYPE_ERROR);
}

static void
install_signals_of_sent (void)
{
  /**
   * SbClient::accepted:
   * @self: the client
   * @id: of a message that was sent
   *
   * The bus has the message, on its disk, and answers for it from now on.
   */
  signals[SIGNAL_ACCEPTED] = new_signal ("accepted", 1, G_TYPE_STRING);
  /**
   * SbClient::confirmation:
   * @self: the client
   * @id: of a message that was sent
   * @recipient: id of a user
   *
   * The recipient has confirmed the message.
   */
  signals[SIGNAL_CONFIRMATION] = new_signal ("confirmation", 2, G_TYPE_STRING, G_TYPE_STRING);
  /**
   * SbClient::expired:
   * @self: the client
   * @id: of a message that was sent
   * @recipient: id of a user
   * @reason: a word for why
   *
   * The message's delivery to the recipient has ended without a confirmation.
   */
  signals[SIGNAL_EXPIRED] = new_signal ("expired", 3, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING);
  /**
   * SbClient::error:
   * @self: the client
   * @id: (nullable): of the message that it is about
   * @error: what went wrong
   *
   * Something failed for good, such as a message that the bus refused, and it was not the business
   * of a call that could have said so.
   */
  signals[SIGNAL_ERROR] = new_signal ("error", 2, G_TYPE_STRING, G_TYPE_ERROR);
}

static void
sb_client_class_init (SbClientClass *klass)
{
  GObjectClass *class = G_OBJECT_CLASS (klass);

  class->constructed = sb_client_constructed;
  class->dispose = sb_client_dispose;
  class->finalize = sb_client_finalize;
  class->get_property = sb_client_get_property;
  class->set_property = sb_client_set_property;
  install_settings (class);
  install_readings ();
  g_object_class_install_properties (class, N_PROPERTIES, properties);
  install_signals_of_arrivals ();
  install_signals_of_sent ();
}

static void
sb_client_init (SbClient *self)
{
  self->pending = -1;
}

/* --- Making one --- */

/**
 * sb_client_new:
 * @url: of the bus over HTTP, such as `http://bus.example:2555`
 * @user: id of a user
 * @password: (nullable): its password
 *
 * Makes a client that keeps nothing on disk. For the other properties there is g_object_new().
 *
 * Returns: (transfer full): a client
 */
SbClient *
sb_client_new (const char *url, const char *user, const char *password)
{
  g_return_val_if_fail (url != NULL, NULL);
  g_return_val_if_fail (user != NULL, NULL);

  return g_object_new (SB_TYPE_CLIENT, "url", url, "user", user, "password", password, NULL);
}

/**
 * sb_client_new_from_settings: (constructor)
 * @json: settings of a device, as they are in a file or a QR code: an object with `BusURL`,
 *   `BusURLHttp`, `BusID` and `BusPassword`
 * @error: return location
 *
 * Makes a client that keeps nothing on disk, of a device's settings.
 *
 * Returns: (transfer full) (nullable): a client; %NULL with %SB_CLIENT_ERROR_INVALID
 */
SbClient *
sb_client_new_from_settings (const char *json, GError **error)
{
  g_autoptr (JsonObject) settings = NULL;
  const char *url = NULL;
  const char *user = NULL;

  g_return_val_if_fail (json != NULL, NULL);

  settings = sb_client_json_parse_object (json, strlen (json));
  if (settings != NULL)
    {
      url = sb_client_json_get_string (settings, "BusURLHttp");
      user = sb_client_json_get_string (settings, "BusID");
    }
  if (url == NULL || user == NULL)
    {
      g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
                           "These are no settings of a device: BusURLHttp and BusID are needed");
      return NULL;
    }
  return g_object_new (SB_TYPE_CLIENT, "url", url, "websocket-url",
                       sb_client_json_get_string (settings, "BusURL"), "user", user, "password",
                       sb_client_json_get_string (settings, "BusPassword"), NULL);
}

/* --- Readings --- */

/**
 * sb_client_get_url: (get-property url)
 * @self: a client
 *
 * Returns: (transfer none): address of the bus over HTTP, without a slash at its end
 */
const char *
sb_client_get_url (SbClient *self)
{
  g_return_val_if_fail (SB_IS_CLIENT (self), NULL);

  return self->settings.url;
}

/**
 * sb_client_get_websocket_url: (get-property websocket-url)
 * @self: a client
 *
 * Returns: (transfer none): address of the bus over WebSocket
 */
const char *
sb_client_get_websocket_url (SbClient *self)
{
  g_return_val_if_fail (SB_IS_CLIENT (self), NULL);

  return self->settings.websocket_url;
}

/**
 * sb_client_get_user: (get-property user)
 * @self: a client
 *
 * Returns: (transfer none): id of the user
 */
const char *
sb_client_get_user (SbClient *self)
{
  g_return_val_if_fail (SB_IS_CLIENT (self), NULL);

  return self->settings.user;
}

/**
 * sb_client_get_state: (get-property state)
 * @self: a client
 *
 * Returns: how it stands with the session
 */
SbClientState
sb_client_get_state (SbClient *self)
{
  g_return_val_if_fail (SB_IS_CLIENT (self), SB_CLIENT_STATE_CLOSED);

  return self->state;
}

/**
 * sb_client_state_to_string:
 * @state: a state
 *
 * Returns: (transfer none): a word for it, such as `connected`
 */
const char *
sb_client_state_to_string (SbClientState state)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (SB_TYPE_CLIENT_STATE);
  const GEnumValue *value = g_enum_get_value (class, (int) state);

  return value != NULL ? value->value_nick : "unknown";
}

/**
 * sb_client_get_pending: (get-property pending)
 * @self: a client
 *
 * Returns: how many deliveries waited when the session was opened; -1: the bus did not say
 */
gint64
sb_client_get_pending (SbClient *self)
{
  g_return_val_if_fail (SB_IS_CLIENT (self), -1);

  return self->pending;
}

/**
 * sb_client_get_outbox_length: (get-property outbox-length)
 * @self: a client
 *
 * Returns: how many messages the bus has not accepted yet. Those of an earlier run are counted from
 * the first send or connection on.
 */
guint
sb_client_get_outbox_length (SbClient *self)
{
  SbClientOutbox *outbox;

  g_return_val_if_fail (SB_IS_CLIENT (self), 0);

  outbox = sb_client_parts_peek_outbox (self->parts);
  return outbox != NULL ? sb_client_outbox_get_length (outbox) : 0;
}

/* --- For the parts --- */

const SbClientSettings *
sb_client_get_settings (SbClient *self)
{
  return &self->settings;
}

SbClientParts *
sb_client_get_parts (SbClient *self)
{
  return self->parts;
}

SoupSession *
sb_client_get_http (SbClient *self)
{
  if (self->http == NULL)
    self->http = sb_client_http_new_session (&self->settings);
  return self->http;
}

/* @reason: (nullable): why it is not connected */
void
sb_client_set_state (SbClient *self, SbClientState state, const GError *reason)
{
  g_autoptr (SbClient) alive = g_object_ref (self);

  if (state == self->state && reason == NULL)
    return;
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
  g_signal_emit (self, signals[SIGNAL_STATE], 0, state, reason);
}

void
sb_client_set_pending (SbClient *self, gint64 pending)
{
  self->pending = pending;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PENDING]);
}

void
sb_client_outbox_changed (SbClient *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_OUTBOX_LENGTH]);
}

/* A handler may let go of the client; whoever emits must be able to go on. */
#define EMIT(self, signal, ...)                             \
  G_STMT_START                                              \
  {                                                         \
    g_autoptr (SbClient) alive = g_object_ref (self);       \
    g_signal_emit (alive, signals[signal], 0, __VA_ARGS__); \
  }                                                         \
  G_STMT_END

void
sb_client_emit_message (SbClient *self, SbClientMessage *message)
{
  EMIT (self, SIGNAL_MESSAGE, message);
}

void
sb_client_emit_message_download (SbClient *self, SbClientMessage *message, const char *path)
{
  EMIT (self, SIGNAL_MESSAGE_DOWNLOAD, message, path);
}

void
sb_client_emit_confirmation (SbClient *self, const char *id, const char *recipient)
{
  EMIT (self, SIGNAL_CONFIRMATION, id, recipient);
}

void
sb_client_emit_expired (SbClient *self, const char *id, const char *recipient, const char *reason)
{
  EMIT (self, SIGNAL_EXPIRED, id, recipient, reason);
}

void
sb_client_emit_accepted (SbClient *self, const char *id)
{
  EMIT (self, SIGNAL_ACCEPTED, id);
}

void
sb_client_emit_error (SbClient *self, const char *id, const GError *error)
{
  EMIT (self, SIGNAL_ERROR, id, error);
}

void
sb_client_emit_transfer (SbClient *self, SbClientTransfer *transfer)
{
  EMIT (self, SIGNAL_TRANSFER, transfer);
}
