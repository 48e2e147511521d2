%   SPDX-License-Identifier: Apache-2.0

:- module(site,
          [ this_node/1,                % Name
            node/3,                     % Name, Host, Words
            zone/3,                     % Name, Server, Visibility
            dns_server/5,               % Server, Host, Port, Key, Secret
            zone_playbook/3,            % Server, Playbook, Inventory
            zone_variable/3,            % Server, Variable, Value
            zone_secret/3,              % Server, Variable, Secret
            default_ttl/1,              % Seconds
            allow_private/1,            % Zone
            playbook/3,                 % Playbook, Inventory, Words
            playbook_variable/2,        % Playbook, Variable
            playbook_secret/3,          % Playbook, Variable, Secret
            person/2,                   % Person, Name
            person_role/2,              % Person, Role
            channel_role/2,             % Channel, Role
            unix_person/2,              % Uid, Person
            token_person/2,             % Token, Person
            token_role/2,               % Token, Role
            operator_key/2,             % Person, PublicKey
            may_approve/2,              % Person, Tier
            tier_signatures/2,          % Tier, Signatures
            grant/4,                    % Role, Action, Scope, Terms
            host/3,                     % Host, Agent, Words
            host_wake/4,                % Host, Mac, Broadcast, SecureOn
            host_limits/5,              % Host, BootS, MinOnS, MinOffS, WakesPerHour
            host_sleep/2,               % Host, How
            quiet_hours/3,              % Host, From, To
            utc_offset/1,               % Minutes
            pool/6,                     % Pool, Host, Kind, Mask, VramMib, Words
            pool_serves/2,              % Pool, Model
            pool_engine/5,              % Pool, Engine, Slots, Context, Kv
            pool_at/2,                  % Pool, Url
            node_role/2,                % Node, Role
            node_can/2,                 % Node, Flag
            node_gpu/4,                 % Node, Gpu, VramMib, PcieLanes
            node_memory/2,              % Node, Mib
            node_cores/2,               % Node, Cores
            node_power/3,               % Node, IdleWatts, PeakWatts
            node_boot/2,                % Node, Seconds
            node_volatility/2,          % Node, How
            node_weight/2,              % Node, Weight
            node_host/2,                % Node, Host
            node_pool/2,                % Node, Pool
            vlan/3,                     % Vlan, Id, Subnet
            node_address/3,             % Node, Vlan, Ip
            node_link/3,                % Node, Other, Mbit
            node_routes/3,              % Node, FromVlan, ToVlan
            firewall/5,                 % Number, From, To, Service, Allow
            sense_source/5,             % Source, Node, Kind, Where, EveryS
            history/1,                  % Url
            threshold/4,                % NodeOrAny, Condition, Raise, Clear
            page_origin/1,              % Origin
            notify_channel/3,           % Channel, Kind, Where
            notify_about/2,             % Channel, What
            operator_passkey/5,         % Person, Credential, PublicKey, RpId, Words
            cluster/3,                  % Cluster, Kind, Words
            cluster_member/2,           % Cluster, Node
            cluster_guest/3,            % Cluster, Guest, What
            cluster_api/3,              % Cluster, Url, Secret
            cluster_pin/2,              % Cluster, Sha256
            playbook_node/2,            % Playbook, Node
            boots_after/2,              % Name, Other
            key_person/3                % KeyId, Person, PublicKey (computed while loading)
          ]).

/** <module> What the owner wrote: inventory, people, policy choices

Filled once by loading.pl from the files of the site folder and static from then on. The
columns and their types are declared in 1_words/fact_words.pl. `multifile` keeps a fact that
the owner does not use a plain no.
*/

:- multifile
    this_node/1, node/3, zone/3, dns_server/5, zone_playbook/3, zone_variable/3, zone_secret/3,
    default_ttl/1, allow_private/1, playbook/3, playbook_variable/2, playbook_secret/3, person/2,
    person_role/2, channel_role/2, unix_person/2, token_person/2, token_role/2,
    operator_key/2, may_approve/2, tier_signatures/2, grant/4, key_person/3,
    host/3, host_wake/4, host_limits/5, host_sleep/2, quiet_hours/3, utc_offset/1,
    pool/6, pool_serves/2, pool_engine/5, pool_at/2,
    node_role/2, node_can/2, node_gpu/4, node_memory/2, node_cores/2, node_power/3, node_boot/2,
    node_volatility/2, node_weight/2, node_host/2, node_pool/2, vlan/3, node_address/3,
    node_link/3, node_routes/3, firewall/5, sense_source/5, history/1, threshold/4,
    page_origin/1, notify_channel/3, notify_about/2, operator_passkey/5,
    cluster/3, cluster_member/2, cluster_guest/3, cluster_api/3, cluster_pin/2, playbook_node/2,
    boots_after/2.
:- dynamic
    this_node/1, node/3, zone/3, dns_server/5, zone_playbook/3, zone_variable/3, zone_secret/3,
    default_ttl/1, allow_private/1, playbook/3, playbook_variable/2, playbook_secret/3, person/2,
    person_role/2, channel_role/2, unix_person/2, token_person/2, token_role/2,
    operator_key/2, may_approve/2, tier_signatures/2, grant/4, key_person/3,
    host/3, host_wake/4, host_limits/5, host_sleep/2, quiet_hours/3, utc_offset/1,
    pool/6, pool_serves/2, pool_engine/5, pool_at/2,
    node_role/2, node_can/2, node_gpu/4, node_memory/2, node_cores/2, node_power/3, node_boot/2,
    node_volatility/2, node_weight/2, node_host/2, node_pool/2, vlan/3, node_address/3,
    node_link/3, node_routes/3, firewall/5, sense_source/5, history/1, threshold/4,
    page_origin/1, notify_channel/3, notify_about/2, operator_passkey/5,
    cluster/3, cluster_member/2, cluster_guest/3, cluster_api/3, cluster_pin/2, playbook_node/2,
    boots_after/2.
