"""Other names: what other tools, and memory, call the keys of an environment file."""

import re
from collections.abc import Mapping

# Section -> what is said -> the names of which it is said, in lowercase and without '_' and '-', so
# that those of Terraform, CloudFormation and aws-cdk are one.
_Said = Mapping[str, str]

_POLICY = (
    "; grant 'pull', 'push', 'pull_push' or 'read', write 'repository_policy_statements', or AWS's"
    " JSON as 'policy_document'"
)
_KEYED = "; leave it out: the key above says it"
_TO_WHOM = "; write whom below 'pull', 'push', 'pull_push' or 'read'"
_IMAGES: _Said = {
    "; write 'image_tag_mutability'": "tagmutability imagemutability repositoryimagetagmutability"
    " immutable immutabletags mutability",
    "; write the filters alone, as a list in 'image_tag_mutability_exclusion_filters'": (
        "imagetagmutabilityexclusionfilter repositoryimagetagmutabilityexclusionfilter"
    ),
    "; write 'encryption_type', and 'kms_key' beside it": "encryption encryptionconfiguration"
    " repositoryencryptiontype encrypt encrypted",
    "; write 'kms_key'": "kmskeyarn kmskeyid kms kmskeyalias encryptionkey repositorykmskey kmsarn",
    "; write 'lifecycle_rules', a list": "lifecyclepolicy lifecyclepolicies lifecyclerule"
    " lifecyclepolicytext repositorylifecyclepolicy lifecycleconfiguration createlifecyclepolicy"
    " retention retentiondays",
    _POLICY: "policy repositorypolicy repositorypolicytext policystatements policystatement"
    " resourcepolicy attachrepositorypolicy createrepositorypolicy policytext iampolicy"
    " repositorypolicystatement",
    "; write 'pull'": "repositoryreadaccessarns pullprincipals readers pullers pullaccess grantpull"
    " pullaccounts repositorylambdareadaccessarns principalsreadonlyaccess allowedaccounts"
    " readaccess",
    "; write 'push'": "pushprincipals pushaccess grantpush pushers writers write writeaccess",
    "; write 'pull_push'": "repositoryreadwriteaccessarns grantpullpush pushpull readwrite"
    " principalsfullaccess",
    _TO_WHOM: "grants grant access user organization principals principal",
    "; write 'public_access' with the reason": "public ispublic everybody anonymous",
    _KEYED: "name repositoryname reponame prefix",
    "; leave it out: Terraform's are the app's own": "count foreach dependson provider timeouts"
    " createrepository create",
}
_STATEMENT: _Said = {
    "; write 'principals', a list": "principal",
    "; write 'actions', a list": "action notaction notactions",
    "; write 'conditions'": "condition when",
    "; write 'principals', and 'effect: Deny'": "notprincipal notprincipals",
    "; write 'sid'": "id name description",
}
_RESOURCE = "resource resources notresource notresources"
_REPOSITORY_STATEMENT: _Said = {
    **_STATEMENT,
    "; ECR's repository policies take none: it is the repository": _RESOURCE,
}
_JOBS: _Said = {
    "; write 'branches', a list": "branch ref refs branchname",
    "; write 'tags', a list": "tag",
}

OTHER_NAMES: Mapping[str, _Said] = {
    "Environment": {
        "; write 'repositories'": "repository repos repo ecr ecrrepositories ecrrepository"
        " resources resource images",
        "; the name of the file is that of the environment": "environment environmentname name"
        " stage stack stackname",
        "; write 'account' and 'region' at the top of the file, whose name is the environment's": (
            "env"
        ),
        "; leave it out: a file has none": "version apiversion kind schemaversion",
        "; an environment is a file of its own": "environments envs accounts",
        "; write 'account'": "accountid awsaccount awsaccountid accountnumber",
        "; write 'region'": "awsregion location regionname defaultregion",
        "; write 'tags'": "tag defaulttags commontags labels",
        "; write 'repository_defaults'": "defaults default repositorydefault common settings",
        "; write 'required_providers'": "provider providers requiredversion terraform aws"
        " providerversion awsprovider",
        "; write 'assume_role', with 'role_arn' below it": "rolearn role deployrole assumerolearn"
        " deploymentrole deployer executionrole",
        "; write 'repository_key'": "kms kmskey key encryptionkey",
        "; write 'backend'": "state remotestate s3backend terraformbackend s3 bucket",
        "; write 'oidc_providers', a list": "oidc oidcprovider openidconnect issuers",
        "; write 'ci_roles'": "ci cirole githubactions gitlab roles github cicd",
        "; write 'grants', a list": "grant access permissions policies",
        "; it goes below 'registry'": "replicationconfiguration scanningconfiguration"
        " pullthroughcache pullthroughcacherule registrypolicy creationtemplate"
        " repositorycreationtemplates registryscanningconfiguration publicrepository",
        "; a value that is shared is written once with an anchor (&), where it is first used": (
            "locals variables anchors vars"
        ),
    },
    "RepositorySettings": {
        **_IMAGES,
        "; write 'scan_on_push'": "imagescanningconfiguration imagescanonpush scanning scan"
        " repositoryimagescanonpush scanonpushenabled imagescanning enablescanning",
        "; write 'force_delete'": "emptyondelete autodeleteimages forcedestroy"
        " repositoryforcedelete deleteimages",
        "; write 'prevent_destroy'": "removalpolicy deletionpolicy deletionprotection"
        " protect retain",
        "; write 'lifecycle_rules', or 'prevent_destroy'": "lifecycle",
        "; write 'tags'": "tagsall repositorytags labels",
        "; leave it out: it is that of the environment": "region registryid account accountid"
        " environment env",
        _TO_WHOM: f"{_IMAGES[_TO_WHOM]} role",
        "; it goes into a rule of 'lifecycle_rules', a list": "maximagecount maximageagedays"
        " maxdayssinceimagepulled maxdayssinceimagetransitioned tagstatus tagprefixlist"
        " tagpatternlist rulepriority",
        "; it goes below 'github_actions' or 'gitlab' of a role of 'ci_roles'": "branches branch",
        "; it goes to the top of the file": "registry backend assumerole requiredproviders ciroles"
        " oidcproviders repositorykey repositories repositorydefaults",
        "; it goes below 'registry'": "replication replicationconfiguration pullthroughcacherules"
        " scantype repositorytype registrypolicy registryscantype registryscanrules"
        " registryreplicationrules registrypullthroughcacherules",
        "; leave it out: the stack has it as an output": "arn repositoryurl repositoryarn url uri",
    },
    "RepositoryCreationTemplateSettings": {
        **_IMAGES,
        "; write 'resource_tags'": "tags tag",
        "; write 'custom_role_arn'": "rolearn role customrole",
        "; write 'applied_for', a list": "appliesto for usedfor",
        "; a template has none: 'scanning' of the registry scans what it makes": "scanonpush"
        " imagescanningconfiguration",
    },
    "PublicRepositorySettings": {
        "; write what is in it beside the other settings": "catalogdata"
        " publicrepositorycatalogdata repositorycatalogdata",
        "; write 'force_destroy'": "forcedelete emptyondelete",
        "; write 'push', or 'repository_policy_statements'": "policy repositorypolicy"
        " policydocument pullpush",
        "; everybody pulls what is public": "pull publicaccess",
        "; write 'architectures', a list": "architecture",
        "; write 'operating_systems', a list": "operatingsystem os",
        "; write 'about_text'": "about",
        "; write 'usage_text'": "usage",
        "; write 'logo_image_blob'": "logo logoimage",
        _KEYED: "name repositoryname",
    },
    "LifecycleRule": {
        "; write 'max_image_count' or 'max_image_age_days' with the number": "countnumber counttype"
        " count countunit number selection",
        "; write 'max_image_count'": "imagecount imagecountmorethan keep keeplast maxcount max"
        " maximages keepcount",
        "; write 'max_image_age_days'": "maximageage days age expiredays expireafterdays"
        " sinceimagepushed maxage expiration expireafter retentiondays expirationdays",
        "; write 'max_days_since_image_pulled'": "sinceimagepulled dayssincepulled"
        " dayssinceimagepulled",
        "; write 'max_days_since_image_transitioned'": "sinceimagetransitioned",
        "; write 'tag_prefix_list', a list": "tagprefix tagprefixes prefix prefixes",
        "; write 'tag_pattern_list', a list": "tagpattern tagpatterns pattern patterns tags tag"
        " tagfilter wildcards",
        "; write 'tag_status'": "status untagged tagged",
        "; write 'rule_priority', or leave it out": "priority",
        "; write 'description'": "name id sid comment",
        "; write 'action'": "type targetstorageclass storageclass transition",
    },
    "Principal": {
        "; write 'role', 'user' or 'account'": "aws arn principal iam principalarn principals id"
        " federated type identifiers",
        "; write 'role'": "rolearn iamrole rolename assumedrole",
        "; write 'user'": "userarn iamuser username",
        "; write 'account'": "accountid awsaccount root accounts",
        "; write 'organization'": "org orgid organizationid principalorgid awsprincipalorgid",
        "; write 'organizational_unit'": "ou orgunit orgpath principalorgpaths",
        "; write 'service'": "serviceprincipal awsservice services",
        "; write 'lambda_function'": "lambda function functionarn",
        "; write 'role', 'eks_node_role' or 'eks_pod_role'": "eks eksrole noderole podrole irsa"
        " ekscluster",
        "; write 'ecs_task_execution_role'": "ecs ecsrole executionrole ecstaskrole taskrole"
        " taskexecutionrole",
        "; write 'ci_role'": "ci githubactions gitlab",
    },
    "PolicyStatement": _REPOSITORY_STATEMENT,
    "PublicPolicyStatement": _REPOSITORY_STATEMENT,
    "RegistryPolicyStatement": {
        **_STATEMENT,
        "; write 'repository_prefixes', a list of beginnings of names": _RESOURCE
        + " prefixes repositories repositoryfilters",
    },
    "RegistrySection": {
        "; write 'replication', with 'rules' below it": "replicationconfiguration"
        " replicationrules registryreplicationrules",
        "; write 'scanning', with 'rules' below it": "scanningconfiguration scan scanonpush"
        " registryscanningconfiguration registryscanrules scantype registryscantype",
        "; write 'policy_statements', a list": "policy registrypolicy policytext statements"
        " policydocument",
        "; write 'pull_through_cache_rules'": "pullthroughcache pullthroughcaches cache caches"
        " cacherules registrypullthroughcacherules pullthrough",
        "; write 'creation_templates'": "templates repositorycreationtemplates"
        " repositorycreationtemplate template",
        "; write 'public_repositories'": "public publicrepository",
        "; write 'account_settings'": "accountsetting settings",
    },
    "Replication": {"; write 'rules', a list": "rule replicationrules destinations"},
    "ReplicationRule": {
        "; write 'destinations', a list": "destination regions to region",
        "; write 'repository_filters', a list of beginnings of names": "repositoryfilter filters"
        " filter prefixes prefix repositories repositoryprefixes",
    },
    "ReplicationDestination": {
        "; write 'registry_id'": "account accountid registry registryaccount",
        "; write 'environment', which stands for 'region' and 'registry_id'": "env environmentname"
        " environments",
    },
    "Scanning": {
        "; write 'scan_type'": "type scantypes enhanced",
        "; write 'rules', a list": "rule scanningrules scanrules scanonpush scanfrequency",
    },
    "ScanningRule": {
        "; write 'scan_frequency'": "frequency scanonpush",
        "; write 'repository_filters', a list": "repositoryfilter filters filter repositories"
        " prefixes",
    },
    "PullThroughCacheSettings": {
        "; write 'credential_arn' or 'create_credential'": "credentials credential secret secretarn"
        " authentication credentialsecretarn",
        "; write 'upstream_registry' or 'upstream_registry_url'": "upstream url host registry"
        " registryurl upstreamurl",
        _KEYED: "prefix ecrrepositoryprefix name repositoryprefix",
        "; write 'upstream_repository_prefix'": "upstreamprefix",
        "; write 'custom_role_arn'": "rolearn role",
    },
    "Grant": {
        "; write 'repository_prefixes', a list of beginnings of names": "prefixes prefix"
        " repositories repository namespaces namespace repositoryprefix repositoryfilters to",
        "; write whom below 'pull', 'push', 'pull_push' or 'read'": "principals principal role"
        " account user organization actions cirole",
    },
    "Backend": {
        "; it goes below 's3'": "bucket key region dynamodbtable encrypt kmskeyid",
        "; write 's3' or 'local', with the settings below it": "type remote cloud gcs azurerm http"
        " name",
        "; it goes below 'local'": "path",
    },
    "S3Backend": {
        "; leave it out: the state is locked by a file beside it": "dynamodbtable uselockfile",
        "; leave it out: the state is encrypted": "encrypt",
        "; write 'kms_key_id'": "kmskey kmskeyarn",
        "; write 'assume_role', with 'role_arn' below it": "rolearn role",
        "; write 'bucket'": "bucketname name",
        "; write 'key'": "path prefix workspacekeyprefix",
        "; leave it out: credentials are the caller's": "profile accesskey secretkey",
    },
    "AssumeRole": {
        "; write 'role_arn'": "arn role name rolename",
        "; write 'session_name'": "rolesessionname",
    },
    "RequiredProviders": {"; write 'aws'": "hashicorp/aws version provider source"},
    "CiRole": {
        "; write 'github_actions', a list": "github repository repositories subjects branches"
        " assumerolepolicy trust trustpolicy",
        "; write 'gitlab', a list": "gitlabci project",
        "; write 'access', with 'pull', 'push' or 'read' below it": "pull push pullpush read policy"
        " policies permissions grants",
        "; write 'max_session_duration'": "sessionduration",
        "; leave it out: the key above is its name": "name rolename rolearn path description",
    },
    "GitHubActions": {
        **_JOBS,
        "; write 'repository', and 'branches', 'tags' or 'environments' beside it": "repo subject"
        " subjects sub repositories owner org organization",
        "; write 'environments', a list": "environment env",
        "; write 'pull_requests'": "pullrequest pr",
    },
    "GitLab": {
        **_JOBS,
        "; write 'project', and 'branches' or 'tags' beside it": "repository projectpath repo"
        " subject subjects sub projects group",
        "; write 'host'": "url issuer",
        "; GitLab's tokens name none, write 'branches' or 'tags'": "environment environments",
    },
    "Access": {
        "; write 'pull' and 'push'": "pullpush readwrite write",
        "; write 'pull', 'push' or 'read' with the names of repositories": "repositories actions"
        " resources repositoryprefixes",
    },
    "RepositoryKeySettings": {
        "; write 'rotation_period_in_days'": "enablekeyrotation rotation",
        "; write 'administrators' or 'creators'": "policy keypolicy admins keyadministrators",
        "; write 'alias'": "name aliases keyalias",
        "; leave it out: write 'kms_key' in a repository": "kmskey kmskeyarn arn keyid",
    },
}
_BY_NAME: Mapping[str, Mapping[str, str]] = {
    section: {name: said for said, names in table.items() for name in names.split()}
    for section, table in OTHER_NAMES.items()
}


_ONE_KEY = re.compile(r"; write '(\w+)'(?:, a list.*)?")


def other_key(section: str, key: str) -> str | None:
    """The one key that another name stands for, or nothing."""
    found = _ONE_KEY.fullmatch(other_name(section, key))
    return found[1] if found else None


def other_name(section: str, key: str) -> str:
    """What is said of a key that the section has by another name, or nothing.

    :param section: the name of the section's class.
    """
    plain = key.lower().replace("_", "").replace("-", "")
    item = "; write a space after '-'" if key.startswith("-") else ""
    return item or _BY_NAME.get(section, {}).get(plain, "")
