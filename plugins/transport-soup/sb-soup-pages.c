/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-pages: what tells how the bus is: `/healthz`, `/readyz`, `/metrics`. */

#include "sb-soup-endpoints.h"

#define TEXT_TYPE "text/plain; charset=utf-8"

/**
 * sb_endpoint_health:
 * @request: `GET /healthz`
 *
 * Answers, which is all that there is to tell.
 */
void
sb_endpoint_health (SbRequest *request)
{
  sb_request_answer (request, 200, TEXT_TYPE, g_string_new ("ok\n"));
}

/**
 * sb_endpoint_ready:
 * @request: `GET /readyz`
 *
 * Tells whether messages are accepted.
 */
void
sb_endpoint_ready (SbRequest *request)
{
  g_autoptr (GError) error = NULL;

  if (sb_bus_check_ready (request->transport->bus, &error))
    sb_request_answer (request, 200, TEXT_TYPE, g_string_new ("ready\n"));
  else
    /* Strangers may ask this: the reason in a word, the details are in the log. */
    sb_request_problem (request, 503, sb_error_reason (error), "The bus accepts no messages now");
}

/**
 * sb_endpoint_metrics:
 * @request: `GET /metrics`, by an admin or with the metrics token
 *
 * Shows the metrics in the text format of Prometheus.
 */
void
sb_endpoint_metrics (SbRequest *request)
{
  g_autofree char *text = NULL;

  if (request->user != NULL && !request->user->admin)
    {
      sb_request_problem (request, 403, "forbidden", "Metrics are for admins");
      return;
    }
  text = sb_metrics_render (sb_bus_get_metrics (request->transport->bus));
  sb_request_answer (request, 200, "text/plain; version=0.0.4; charset=utf-8", g_string_new (text));
}
