// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {AppAuthorization} from "./AppAuthorization.sol";
import {Checkpoints} from "./Checkpoints.sol";
import {IAppAuth} from "./interfaces/IAppAuth.sol";
import {IAppAuthBasicManagement} from "./interfaces/IAppAuthBasicManagement.sol";
import {Configuration} from "./interfaces/MembershipTypes.sol";
import {NodeAccess} from "./NodeAccess.sol";
import {RegistrationPolicy} from "./RegistrationPolicy.sol";
import {Roster} from "./Roster.sol";
import {RosterState} from "./RosterState.sol";
import {Terms} from "./Terms.sol";

/// @title The membership of one cluster
/// @notice The only authority on who is a member and who leads which term; and the contract that
/// dstack's KMS asks before it releases the app's keys. It is not upgradeable: a member must be
/// able to trust what it joined.
///
/// SAFETY ASSUMES nothing of this contract beyond its roster for an empty log and for a cold start:
/// what is committed is for the members to say.
///
/// LIVENESS ASSUMES that a quorum of members is unrevoked and can have its transactions included.
///
/// WHO MAY: a token's holder decides which wallet registers with it. A node registers, moves and
/// leaves by itself. A quorum of members ends a term. The leader hands over, admits, removes, and
/// starts anew after a full outage. The owner mints, keeps the allow-lists and revokes: it can stop
/// members and keep out new ones, but it cannot name a leader, add a member or change a roster.
contract DstackMembershipNFT is AppAuthorization, Terms, Checkpoints {
    constructor(Configuration memory configuration)
        ERC721(configuration.name, configuration.symbol)
        Ownable(configuration.owner)
        EIP712("DstackMembershipNFT", "1")
        NodeAccess(configuration.maxNodes, configuration.mintPrice)
        RegistrationPolicy(configuration.kmsRoot)
        RosterState(configuration)
    {}

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IAppAuth).interfaceId
            || interfaceId == type(IAppAuthBasicManagement).interfaceId
            || super.supportsInterface(interfaceId);
    }

    function _isLiveInstance(bytes20 instanceId)
        internal
        view
        override(AppAuthorization, Roster)
        returns (bool)
    {
        return Roster._isLiveInstance(instanceId);
    }
}
