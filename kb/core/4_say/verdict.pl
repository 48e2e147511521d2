%   SPDX-License-Identifier: Apache-2.0

:- module(verdict_words,
          [ verdict_obj/2,              % +Judged, -Obj
            reason_text/2,              % +Reason, -Text
            remedy_text/2,              % +Reason, -Text
            reason_said/1,              % +Reason
            remedy_said/1,              % +Reason
            invariant_text/2            % +Invariant, -Text
          ]).
:- use_module(library(lists), [append/2, append/3, max_list/2, member/2, same_length/2]).
:- use_module(library(apply), [maplist/3]).
:- use_module(kb('1_words/wire'), [shown/2]).
:- use_module(kb('3_rules/action'), [action_params/2, wording/2]).
:- use_module(kb('3_rules/record_sets'), [set_text/2]).
:- use_module(boot_answers, [proof_words/2]).
:- use_module(house_answers, [answer_obj/2]).

/** <module> Verdicts in words, and as the object that C takes

Each reason has two sentences: what it says (reason//1), and what would have to be otherwise
(remedy//1, for reasons that forbid). A reason without words is found by the proofs at load
time. Sentences are DCG lists of Format-Arguments; they are made here and nowhere else.
*/

%!  verdict_obj(+Judged, -Obj) is det.

verdict_obj(judged(Kind, Action, By, Tier, Consent, For, Against, Held, Outcome), Obj) :-
    functor(Action, Name, _),
    action_params(Action, Params),
    wording(Action, Phrase),
    maplist(reason_obj, For, ForObjs),
    maplist(reason_obj, Against, AgainstObjs),
    append(AgainstObjs, ForObjs, Reasons),
    findall(Text, ( member(Reason, Against), remedy_text(Reason, Text) ), Remedies),
    verdict_words(Kind, Phrase, Consent, For, Against, Outcome, Words),
    proof_obj(Kind, Action, By, Phrase, For, Against, Held, Proof),
    consent_obj(Consent, ConsentObj),
    outcome_objs(Outcome, Look, Plan, Answer),
    retry_pairs(Against, Retry),
    Obj = obj([ verdict-Kind, tier-Tier, action-Name, params-Params, words-Words,
                reasons-Reasons, proof-Proof, would_permit-Remedies, consent-ConsentObj,
                look-Look, plan-Plan, answer-Answer|Retry ]).

reason_obj(Reason, obj([rule-Rule, words-Text])) :-
    functor(Reason, Rule, _),
    reason_text(Reason, Text).

consent_obj(none, null).
consent_obj(consent(Count, Persons), obj([signatures-Count, approvers-Persons])).

outcome_objs(none,           null, null, null).
outcome_objs(look(Job),      Job,  null, null).
outcome_objs(plan(Plan, _),  null, Plan, null).
outcome_objs(answer(Answer), null, null, Obj) :- answer_obj(Answer, Obj).

                /*  the paragraph  */

verdict_words(Kind, Phrase, Consent, For, Against, Outcome, Words) :-
    phrase(paragraph(Kind, Phrase, Consent, For, Against, Outcome), Sentences),
    sentences(Sentences, Words).

paragraph(permit, Phrase, _, [Reason|_], _, Outcome) -->
    ['Permitted: ~s.'-[Phrase]],
    stated(Reason),
    outlook(Outcome).
paragraph(needs_consent, Phrase, consent(Count, Persons), [Reason|_], _, Outcome) -->
    { signatures_word(Count, Word), listed(Persons, List) },
    ['Needs ~d ~w before it is done: ~s.'-[Count, Word, Phrase]],
    stated(Reason),
    ['Who may sign: ~w.'-[List]],
    outlook(Outcome).
paragraph(deny, Phrase, _, _, Against, _) -->
    ['Denied: ~s.'-[Phrase]],
    all_stated(Against),
    all_remedies(Against).

stated(Reason) -->
    { reason_text(Reason, Text), capital(Text, Capital) },
    ['~s.'-[Capital]].

all_stated([]) --> [].
all_stated([Reason|Reasons]) -->
    stated(Reason),
    all_stated(Reasons).

all_remedies(Reasons) -->
    { findall(Text, ( member(Reason, Reasons), remedy_text(Reason, Text) ), Texts),
      atomic_list_concat(Texts, ', and ', List) },
    ['It would be permitted if ~w.'-[List]].

outlook(look(_))          --> !, ['First the present state is looked at.'-[]].
outlook(plan(_, Remarks)) --> !, remarks(Remarks).
outlook(answer(Answer)) -->
    { functor(Answer, told, _), answer_obj(Answer, obj([words-Words|_])) },
    !,
    ['~s'-[Words]].
outlook(_)                --> [].

remarks([])             --> [].
remarks([Text|Remarks]) --> ['~s'-[Text]], remarks(Remarks).

sentences(Sentences, Words) :-
    maplist(sentence, Sentences, Texts),
    atomic_list_concat(Texts, ' ', Atom),
    atom_string(Atom, Words).

sentence(Format-Arguments, Text) :-
    format(string(Text), Format, Arguments).

capital(Text, Capital) :-
    sub_string(Text, 0, 1, _, First),
    sub_string(Text, 1, _, 0, Rest),
    string_upper(First, Upper),
    string_concat(Upper, Rest, Capital).

signatures_word(1, signature) :- !.
signatures_word(_, signatures).

%   "a", "a and b", "a, b and c"; "nobody" for none.
listed([], nobody) :- !.
listed([One], One) :- !.
listed(Many, Text) :-
    append(Head, [Last], Many),
    atomic_list_concat(Head, ', ', Front),
    atomic_list_concat([Front, ' and ', Last], Text).

                /*  the proof  */

proof_obj(Kind, Action, By, Phrase, For, Against, Held, Proof) :-
    By = by(Principal, Via),
    kind_text(Kind, Principal, Via, Phrase, Words),
    maplist(reason_proof(By), Against, AgainstProofs),
    maplist(reason_proof(By), For, ForProofs),
    maplist(held_proof, Held, HeldProofs),
    silence(Kind, Silence),
    append([AgainstProofs, ForProofs, HeldProofs, Silence], Because),
    Goal =.. [Kind, Action, By],
    node_obj(Goal, Words, Because, Proof).

kind_text(Kind, Principal, Via, Phrase, Words) :-
    kind_word(Kind, Word),
    shown(Principal, Who),
    format(string(Words), "~s ~w to ~s (asked by ~w)", [Who, Word, Phrase, Via]).

kind_word(permit,        'is permitted').
kind_word(needs_consent, 'is permitted, once it is signed,').
kind_word(deny,          'is not permitted').

silence(deny, []) :- !.
silence(_, [obj([goal-"\\+ forbids", words-"nothing forbids it", because-[]])]).

node_obj(Goal, Words, Because, obj([goal-Text, words-Words, because-Because])) :-
    format(string(Text), "~q", [Goal]).

reason_proof(By, Reason, Proof) :-
    reason_text(Reason, Words),
    basis(Reason, By, Because),
    node_obj(Reason, Words, Because, Proof).

held_proof(Invariant, obj([goal-Goal, words-Words, because-[]])) :-
    invariant_text(Invariant, Words),
    atomic_list_concat(['holds(', Invariant, ')'], Atom),
    atom_string(Atom, Goal).

%   basis(+Reason, +By, -Because): the site facts that a reason rests on.
basis(granted(Role, Name, Scope, Terms), by(Principal, _), Because) =>
    shown(Principal, Who),
    format(string(RoleWords), "~s has the role ~w", [Who, Role]),
    node_obj(role_of(Principal, Role), RoleWords, [], RoleNode),
    node_obj(grant(Role, Name, Scope, Terms), "the owner wrote so in the site facts", [],
             GrantNode),
    Because = [RoleNode, GrantNode].
basis(_, _, Because) =>
    Because = [].

                /*  reasons  */

%!  reason_text(+Reason, -Text:string) is det.

reason_text(Reason, Text) :-
    phrase(reason(Reason), [Format-Arguments]),
    !,
    format(string(Text), Format, Arguments).

%!  reason_said(+Reason) is semidet.
%
%   There are words for reasons of this kind.

reason_said(Reason) :-
    generalised(Reason, General),
    clause(reason(General, _, _), _),
    !.

%!  remedy_said(+Reason) is semidet.

remedy_said(Reason) :-
    generalised(Reason, General),
    clause(remedy(General, _, _), _),
    !.

generalised(Reason, General) :-
    functor(Reason, Name, Arity),
    functor(General, Name, Arity).

reason(granted(Role, Name, Scope, Terms)) -->
    { scope_words(Scope, Where), terms_words(Terms, How) },
    ['role ~w may do ~w ~w, ~w'-[Role, Name, Where, How]].
reason(no_role(Principal)) -->
    { shown(Principal, Who) },
    ['nothing allows it: ~s has no role here'-[Who]].
reason(no_grant(Roles, Name, Scopes)) -->
    { listed(Roles, List) },
    (   { Scopes == [] }
    ->  ['nothing allows it: ~w has no grant for ~w'-[List, Name]]
    ;   { maplist(scope_words, Scopes, Words), listed(Words, Where) },
        ['nothing allows it: ~w may do ~w only ~w'-[List, Name, Where]]
    ).
reason(above_every_tier(Name)) -->
    ['a model proposed ~w, and there is no stricter tier than its own'-[Name]].
reason(too_few_approvers(Tier, Count, Persons)) -->
    { signatures_word(Count, Word), listed(Persons, List) },
    ['~w actions by this proposer need ~d ~w, and ~w could sign'-[Tier, Count, Word, List]].
reason(not_owned(Name)) -->
    ['~s lies in no zone that this node manages'-[Name]].
reason(server_unknown(Zone, Server)) -->
    ['the server ~w of zone ~s is not in the site facts'-[Server, Zone]].
reason(zone_deletion(Zone)) -->
    ['the core policy never deletes a zone: every name in ~s would vanish at once'-[Zone]].
reason(zone_exists(Zone)) -->
    ['the zone ~s exists already'-[Zone]].
reason(no_zone_playbook(Zone, Server)) -->
    ['no playbook is known that creates ~s on server ~w'-[Zone, Server]].
reason(duplicate(Name, Type, Value)) -->
    ['~s already has ~w ~s'-[Name, Type, Value]].
reason(not_there(Name, Type, Value, Sets)) -->
    { filter_words(Type, Value, What), sets_words(Sets, There) },
    ['~s has no ~w; there is ~w'-[Name, What, There]].
reason(which_type(Name, Types)) -->
    { listed(Types, List) },
    ['~s has ~w; it was not said which is meant'-[Name, List]].
reason(which_value(Name, Type, Values)) -->
    { listed(Values, List) },
    ['~s has several ~w: ~w; it was not said which is meant'-[Name, Type, List]].
reason(same_as_now(Name, Type)) -->
    ['~w of ~s is so already; nothing would change'-[Type, Name]].
reason(alias_beside(Name, Types)) -->
    { listed(Types, List) },
    ['~s would have a CNAME beside ~w, but a CNAME stands alone'-[Name, List]].
reason(second_alias(Name, Values)) -->
    { listed(Values, List) },
    ['~s would have more than one CNAME: ~w'-[Name, List]].
reason(alias_at_apex(Name)) -->
    ['~s is the top of its zone, where SOA and NS stand, so it cannot be a CNAME'-[Name]].
reason(alias_loop(Name, Target)) -->
    ['the CNAME of ~s would lead over ~s back to itself'-[Name, Target]].
reason(private_in_public(Address, Zone)) -->
    ['~s is a private address and ~s is a public zone'-[Address, Zone]].
reason(points_at_alias(Name, Type, Target)) -->
    ['the ~w of ~s would point at ~s, which is a CNAME (RFC 2181 section 10.3)'
     -[Type, Name, Target]].
reason(no_host_name(Name, Type)) -->
    ['~s holds an underscore, and ~w records belong to host names'-[Name, Type]].
reason(too_many_values(Name, Type, Count, Max)) -->
    ['~s would have ~d values of type ~w; ~d are the most'-[Name, Count, Type, Max]].
reason(unknown_playbook(Playbook, Known)) -->
    { shown(Playbook, Shown), listed(Known, List) },
    ['the playbook ~s is not in the site facts; allowed: ~w'-[Shown, List]].
reason(unknown_variable(Playbook, Variable, Known)) -->
    { shown(Variable, Shown), listed(Known, List) },
    ['the variable ~s of ~s is not in the site facts; allowed: ~w'-[Shown, Playbook, List]].

reason(unknown_host(Text, Known)) -->
    { shown(Text, Shown), listed(Known, List) },
    ['~s is no host of the site facts; known: ~w'-[Shown, List]].
reason(unknown_pool(Text, Known)) -->
    { shown(Text, Shown), listed(Known, List) },
    ['~s is no pool of the site facts; known: ~w'-[Shown, List]].
reason(cannot_wake(Host)) -->
    ['nothing is known that wakes ~w: the site facts have no network card for it'-[Host]].
reason(off_too_short(Host, OffS, MinOffS, _)) -->
    ['~w has been asleep for ~d s and must stay so for at least ~d s'-[Host, OffS, MinOffS]].
reason(on_too_short(Host, OnS, MinOnS, _)) -->
    ['~w has been awake for ~d s and must stay so for at least ~d s'-[Host, OnS, MinOnS]].
reason(woken_too_often(Host, Count, Max, _)) -->
    ['~w was woken ~d times within the last hour; ~d are the most'-[Host, Count, Max]].
reason(quiet_now(Host, From, To, RetryMs)) -->
    { Minutes is (RetryMs + 59999) // 60000 },
    ['~w has quiet hours from ~s to ~s, for ~d more minutes, and no person asked'
     -[Host, From, To, Minutes]].
reason(own_machine(Host)) -->
    ['~w is the machine that this node runs on; it never puts itself to sleep'-[Host]].
reason(never_sleeps(Host)) -->
    ['the site facts never let ~w sleep'-[Host]].
reason(governs_own_cluster(Cluster, Node, Guest, What)) -->
    { proof_words(What, Proof) },
    ['this node itself runs on the cluster ~w: it is ~s there (~s). ~s is a member of that \c
      cluster, and if it did not come back, each would wait for the other: this node boots only \c
      after its cluster, and nothing but this node would start the cluster'
     -[Cluster, Guest, Proof, Node]].
reason(standing_unproven(Cluster, Node, Sign)) -->
    ['~s is a member of the cluster ~w, and whether this node itself runs on that cluster is not \c
      proven: ~s'-[Node, Cluster, Sign]].
reason(unknown_alert(Id)) -->
    ['there is no alert ~d'-[Id]].
reason(alert_is_cleared(Id)) -->
    ['alert ~d is over: it was cleared'-[Id]].
reason(agent_silent(Host, Words)) -->
    ['the agent of ~w does not answer (~s)'-[Host, Words]].
reason(status_unclear(Host, What)) -->
    ['the agent of ~w does not say clearly ~s'-[Host, What]].
reason(inhibited(Host, Kind, Words)) -->
    ['~w is kept awake by ~s: ~s'-[Host, Kind, Words]].
reason(pool_in_use(Host, Pool, State, Model)) -->
    ['pool ~s of ~w is not empty: it is ~s, model ~s'-[Pool, Host, State, Model]].
reason(pool_busy(Pool, Busy)) -->
    (   { integer(Busy) }
    ->  ['pool ~w serves ~d right now'-[Pool, Busy]]
    ;   ['it is unknown whether pool ~w serves somebody'-[Pool]]
    ).
reason(pool_changes(Pool, State)) -->
    ['pool ~w is ~s; it is left alone until that has ended'-[Pool, State]].
reason(nothing_loaded(Pool)) -->
    ['pool ~w has nothing loaded'-[Pool]].
reason(not_our_engine(Pool)) -->
    ['the engine of pool ~w is run by somebody else'-[Pool]].
reason(not_served(Pool, Model, Served)) -->
    { shown(Model, Shown), listed(Served, List) },
    ['pool ~w does not serve ~s; it serves ~w'-[Pool, Shown, List]].
reason(no_engine(Pool)) -->
    ['no engine is written down for pool ~w'-[Pool]].
reason(pool_not_empty(Pool, State, Model)) -->
    ['pool ~w is not empty: it is ~s, model ~s'-[Pool, State, Model]].
reason(model_unknown(Model)) -->
    { shown(Model, Shown) },
    ['the catalogue has no whole entry for the model ~s'-[Shown]].
reason(engine_unknown(Pool, Engine)) -->
    ['the engine ~w of pool ~w is not prepared'-[Engine, Pool]].
reason(hash_differs(Model, Wanted, Sha)) -->
    { shown(Model, Shown) },
    ['the file of ~s has SHA-256 ~s, not ~s'-[Shown, Sha, Wanted]].
reason(need_unknown(Model, Pool, Words)) -->
    { shown(Model, Shown) },
    ['what ~s needs on ~w cannot be told: ~s'-[Shown, Pool, Words]].
reason(free_unknown(Pool, Kind, Mask)) -->
    ['how much memory is free for pool ~w (~w "~s") is unknown: its agent does not list it'
     -[Pool, Kind, Mask]].
reason(too_large(Model, Pool, NeedBytes, FreeBytes)) -->
    { shown(Model, Shown), gib(NeedBytes, Need), gib(FreeBytes, Free) },
    ['~s needs ~w GiB (~d bytes), and ~w has ~w GiB free (~d bytes)'
     -[Shown, Need, NeedBytes, Pool, Free, FreeBytes]].

%   One decimal, by whole numbers: the same on every machine.
gib(Bytes, Text) :-
    Tenths is Bytes * 10 // 1073741824,
    Whole is Tenths // 10,
    Tenth is Tenths mod 10,
    format(atom(Text), "~d.~d", [Whole, Tenth]).

scope_words(any, anywhere) :- !.
scope_words(zone(Zone), Words) :-
    !,
    atom_concat('in zone ', Zone, Words).
scope_words(playbook(Playbook), Words) :-
    atom_concat('with playbook ', Playbook, Words).

terms_words(freely, freely) :- !.
terms_words(signatures(Count), Words) :-
    signatures_word(Count, Word),
    atomic_list_concat(['with ', Count, ' ', Word], Words).

filter_words(any, any, record) :- !.
filter_words(any, Value, Words) :-
    !,
    shown(Value, Shown),
    atomic_list_concat(['record ', Shown], Words).
filter_words(Type, any, Type) :- !.
filter_words(Type, Value, Words) :-
    shown(Value, Shown),
    atomic_list_concat([Type, ' ', Shown], Words).

sets_words([], 'nothing') :- !.
sets_words(Sets, Words) :-
    maplist(set_text, Sets, Texts),
    atomic_list_concat(Texts, '; ', Words).

                /*  remedies  */

%!  remedy_text(+Reason, -Text:string) is det.
%
%   The nearest thing that would have to be otherwise.

remedy_text(Reason, Text) :-
    phrase(remedy(Reason), [Format-Arguments]),
    !,
    format(string(Text), Format, Arguments).

remedy(no_role(Principal)) -->
    { shown(Principal, Who) },
    ['~s had a role (person_role, token_role or channel_role in the site facts) with a grant for it'
     -[Who]].
remedy(no_grant([Role|_], Name, _)) -->
    ['grant(~w, ~w, …) for it stood in the site facts'-[Role, Name]].
remedy(above_every_tier(_)) -->
    ['a person proposed it instead of a model'-[]].
remedy(too_few_approvers(Tier, Count, _)) -->
    { persons_word(Count, Word) },
    ['~d ~w other than the proposer had a key or passkey and may_approve for ~w in the site facts'
     -[Count, Word, Tier]].
remedy(not_owned(Name)) -->
    ['a zone that holds ~s were in the site facts'-[Name]].
remedy(server_unknown(_, Server)) -->
    ['dns_server(~w, …) stood in the site facts'-[Server]].
remedy(zone_deletion(_)) -->
    ['single records were deleted instead (dns_record_delete)'-[]].
remedy(zone_exists(_)) -->
    ['the zone did not exist yet'-[]].
remedy(no_zone_playbook(_, Server)) -->
    ['zone_playbook(~w, …) stood in the site facts'-[Server]].
remedy(duplicate(Name, Type, Value)) -->
    ['~s did not have ~w ~s yet'-[Name, Type, Value]].
remedy(not_there(Name, Type, Value, _)) -->
    { filter_words(Type, Value, What) },
    ['there were such data at ~s (~w)'-[Name, What]].
remedy(which_type(_, Types)) -->
    { listed(Types, List) },
    ['the type were given (~w)'-[List]].
remedy(which_value(_, _, Values)) -->
    { listed(Values, List) },
    ['the old value were given (~w)'-[List]].
remedy(same_as_now(_, _)) -->
    ['the new value or TTL differed from the present one'-[]].
remedy(alias_beside(Name, Types)) -->
    { listed(Types, List) },
    ['only the CNAME or only ~w stood at ~s: remove the one first'-[List, Name]].
remedy(second_alias(Name, _)) -->
    ['the present CNAME of ~s were changed instead of a second one added'-[Name]].
remedy(alias_at_apex(_)) -->
    ['it were an A or AAAA record, or a name below'-[]].
remedy(alias_loop(_, _)) -->
    ['it pointed at a name with data of its own'-[]].
remedy(private_in_public(_, Zone)) -->
    ['the address were public, or allow_private("~s") stood in the site facts'-[Zone]].
remedy(points_at_alias(_, _, Target)) -->
    ['~s were an address record, or the name that it stands for were used'-[Target]].
remedy(no_host_name(_, _)) -->
    ['the name had no underscore'-[]].
remedy(too_many_values(_, _, _, Max)) -->
    ['there were at most ~d values'-[Max]].
remedy(unknown_playbook(_, _)) -->
    ['playbook(…) for it stood in the site facts'-[]].
remedy(unknown_variable(Playbook, _, _)) -->
    ['playbook_variable("~s", …) for it stood in the site facts'-[Playbook]].

remedy(unknown_host(_, _)) -->
    ['host(…) for it stood in the site facts'-[]].
remedy(unknown_pool(_, _)) -->
    ['pool(…) for it stood in the site facts'-[]].
remedy(cannot_wake(Host)) -->
    ['host_wake(~w, …) stood in the site facts'-[Host]].
remedy(off_too_short(_, _, _, RetryMs)) -->
    { seconds_up(RetryMs, S) },
    ['it were asked again in ~d s'-[S]].
remedy(on_too_short(_, _, _, RetryMs)) -->
    { seconds_up(RetryMs, S) },
    ['it were asked again in ~d s'-[S]].
remedy(woken_too_often(_, _, _, RetryMs)) -->
    { seconds_up(RetryMs, S) },
    ['it were asked again in ~d s'-[S]].
remedy(quiet_now(_, _, To, _)) -->
    ['it were asked after ~s, or by a person'-[To]].
remedy(governs_own_cluster(Cluster, Node, _, _)) -->
    ['this node ran on a machine outside the cluster ~w (a Raspberry Pi is enough); until then a \c
      person does it at ~s or in the interface of the cluster'-[Cluster, Node]].
remedy(standing_unproven(Cluster, _, _)) -->
    ['it were proven where this node runs: cluster_guest(~w, …) with its UUID, or on a machine of \c
      its own'-[Cluster]].
remedy(own_machine(Host)) -->
    ['a person did it at ~w itself'-[Host]].
remedy(never_sleeps(Host)) -->
    ['host_sleep(~w, suspend) or host_sleep(~w, poweroff) stood in the site facts'-[Host, Host]].
remedy(unknown_alert(_)) -->
    ['it were the number of an alert that is open'-[]].
remedy(alert_is_cleared(_)) -->
    ['it were open'-[]].
remedy(agent_silent(Host, _)) -->
    ['~w were awake and its agent answered'-[Host]].
remedy(status_unclear(_, _)) -->
    ['the agent said it as docs/inference.md has it'-[]].
remedy(inhibited(_, Kind, _)) -->
    ['that (~s) had ended'-[Kind]].
remedy(pool_in_use(_, Pool, _, _)) -->
    ['~s were unloaded first'-[Pool]].
remedy(pool_busy(Pool, _)) -->
    ['~w served nobody'-[Pool]].
remedy(pool_changes(_, _)) -->
    ['that had ended'-[]].
remedy(nothing_loaded(Pool)) -->
    ['a model were loaded in ~w'-[Pool]].
remedy(not_our_engine(_)) -->
    ['it were a pool of one of our hosts'-[]].
remedy(not_served(Pool, Model, _)) -->
    { shown(Model, Shown) },
    ['pool_serves(~w, "~s") stood in the site facts'-[Pool, Shown]].
remedy(no_engine(Pool)) -->
    ['pool_engine(~w, …) stood in the site facts'-[Pool]].
remedy(pool_not_empty(Pool, _, _)) -->
    ['~w were unloaded first'-[Pool]].
remedy(model_unknown(_)) -->
    ['it were added (logicctl model add)'-[]].
remedy(engine_unknown(_, _)) -->
    ['it were prepared (logicctl engine prepare)'-[]].
remedy(hash_differs(_, _, _)) -->
    ['the file were the one that is meant'-[]].
remedy(need_unknown(_, _, _)) -->
    ['the model were added again, or the pool\'s context were smaller'-[]].
remedy(free_unknown(_, _, _)) -->
    ['the driver of the device were ready'-[]].
remedy(too_large(_, _, NeedBytes, FreeBytes)) -->
    { Lacking is NeedBytes - FreeBytes, gib(Lacking, Text) },
    ['~w GiB more were free, or the context or the cache were smaller'-[Text]].

%   When trying again makes sense: all that stands against it is a matter of time.
retry_pairs(Against, Pairs) :-
    (   Against = [_|_],
        findall(Ms, ( member(Reason, Against), time_bound(Reason, Ms) ), Waits),
        same_length(Waits, Against)
    ->  max_list(Waits, RetryMs),
        Pairs = [retry_ms-RetryMs]
    ;   Pairs = []
    ).

time_bound(off_too_short(_, _, _, RetryMs), RetryMs).
time_bound(on_too_short(_, _, _, RetryMs), RetryMs).
time_bound(woken_too_often(_, _, _, RetryMs), RetryMs).
time_bound(quiet_now(_, _, _, RetryMs), RetryMs).

seconds_up(Ms, Seconds) :-
    Seconds is (Ms + 999) // 1000.

persons_word(1, person) :- !.
persons_word(_, persons).

                /*  invariants  */

%!  invariant_text(+Invariant, -Text:string) is semidet.

invariant_text(alias_stands_alone, "no CNAME stands beside other records").
invariant_text(one_alias_per_name, "a name has at most one CNAME").
invariant_text(no_alias_at_the_apex, "the top of a zone is no CNAME").
invariant_text(aliases_lead_somewhere, "no CNAME that was seen leads back to itself").
invariant_text(private_stays_private, "no private address is in a public zone").
invariant_text(services_point_at_no_alias, "no MX or SRV points at a CNAME that was seen").
invariant_text(hosts_have_host_names, "addresses and mail stand at host names").
invariant_text(sets_stay_small, "no record set grows beyond its limit").
