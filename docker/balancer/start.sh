#!/bin/bash
# Runs HAProxy with every line of output as JSON, and with a certificate where BALANCER_TLS=1. Bash alone, so that it
# runs in this image and in the official one.
set -euo pipefail
config=/usr/local/etc/haproxy/haproxy.cfg
given=/run/secrets/certificate.pem
made=/certificates/self-made.pem

json() {  # lines of standard input as JSON
    local line level
    while IFS= read -r line; do
        case $line in
            '[ALERT]'*) level=error ;;
            '[WARNING]'*) level=warning ;;
            *) level=info ;;
        esac
        line=${line//\\/\\\\}; line=${line//\"/\\\"}; line=${line//$'\t'/ }; line=${line//[[:cntrl:]]/}
        TZ=UTC printf '{"time":"%(%Y-%m-%dT%H:%M:%SZ)T","level":"%s","logger":"balancer","message":"%s"}\n' \
            -1 "$level" "$line"
    done
}
exec 2> >(json >&2)

# HAProxy wants addresses apart by blanks, and at least one: a client never has this one.
proxies=${BALANCER_TRUSTED_PROXIES:-}
export BALANCER_TRUSTED_PROXIES=${proxies//,/ }
[[ $BALANCER_TRUSTED_PROXIES == *[![:space:]]* ]] || export BALANCER_TRUSTED_PROXIES=255.255.255.255

if [[ ${BALANCER_TLS:-} == 1 ]]; then
    if [[ -e $given && ! -r $given ]]; then
        echo "[ALERT] the certificate cannot be read by user $(id -u): chown or chmod the file VRN_TLS_CERTIFICATE" >&2
        exit 1
    elif [[ -s $given ]]; then
        export BALANCER_CERTIFICATE=$given BALANCER_TLS_IS_TRUSTED=1
    else
        names=DNS:${BALANCER_TLS_NAME:-localhost},DNS:balancer-tls,IP:127.0.0.1
        if [[ ! -s $made ]] || ! openssl x509 -in "$made" -noout -checkend 2592000 -ext subjectAltName 2>/dev/null \
            | grep -qF "DNS:${BALANCER_TLS_NAME:-localhost},"; then
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 \
                -subj "/CN=${BALANCER_TLS_NAME:-localhost}" -addext "subjectAltName=$names" \
                -keyout "$made.key" -out "$made.crt" 2>/dev/null
            cat "$made.crt" "$made.key" >"$made"
            rm -f "$made.key"
        fi
        echo "no certificate was given (VRN_TLS_CERTIFICATE): clients have to be told to trust $made.crt" >&2
        export BALANCER_CERTIFICATE=$made
    fi
fi
exec haproxy -db -f "$config"
